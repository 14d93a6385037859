"""Tables of benchmarks are filled by PostgreSQL itself, and measured there alone."""

import pytest
from django.db import connection

postgresql = pytest.mark.skipif(
    connection.vendor != "postgresql", reason="PostgreSQL fills its tables by itself."
)
