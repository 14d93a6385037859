"""What the load asks a server for."""

from benchmarks.load import REQUESTS, _request


def test_each_request_is_of_another_client_so_that_none_meets_its_limit() -> None:
    asked = {_request("/page?token=x") for _one in range(2 * REQUESTS)}

    assert len(asked) == 2 * REQUESTS
    for request in asked:
        lines = request.decode().split("\r\n")
        assert lines[0] == "GET /page?token=x HTTP/1.1"
        assert lines[3].startswith("X-Forwarded-For: 10.")
        assert lines[-2:] == ["", ""]
