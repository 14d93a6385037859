"""dj-stripe's webhook view, as its documentation installs it, in an environment of its own: it
needs an older stripe than Recover."""
