from tests.connected import debt, local_stripe, merchant

__all__ = ["debt", "local_stripe", "merchant"]
