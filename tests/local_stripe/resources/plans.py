"""/v1/plans: prices by their older name."""

from tests.local_stripe.fields import metadata
from tests.local_stripe.listing import page
from tests.local_stripe.routing import Call, route
from tests.local_stripe.shapes import Object

from .products import inline_price, new_product


@route("POST /v1/plans", permission="rak_plan_write")
def create(call: Call) -> Object:
    given = call.params
    product = given.get("product")
    if isinstance(product, dict):
        product = new_product(call.realm, product["name"])["id"]
    price = inline_price(
        call.realm,
        {
            "currency": given["currency"],
            "unit_amount": given.get("amount"),
            "product": product,
            "nickname": given.get("nickname"),
            "metadata": metadata(given),
            "recurring": {
                "interval": given["interval"],
                "interval_count": given.get("interval_count", 1),
            },
        },
    )
    return _as_plan(price)


@route("GET /v1/plans/{plan}", permission="rak_plan_read")
def retrieve(call: Call) -> Object:
    return _as_plan(call.realm.get("price", call.path_ids["plan"], param="plan"))


@route("GET /v1/plans", permission="rak_plan_read")
def list_(call: Call) -> Object:
    recurring = [price for price in call.realm.all("price") if price["recurring"]]
    answer = page(call, recurring, filters=("active", "product"))
    return {**answer, "data": [_as_plan(price) for price in answer["data"]]}


def _as_plan(price: Object) -> Object:
    recurring = price["recurring"]
    return {
        "id": price["id"],
        "object": "plan",
        "active": price["active"],
        "amount": price["unit_amount"],
        "amount_decimal": price["unit_amount_decimal"],
        "billing_scheme": "per_unit",
        "created": price["created"],
        "currency": price["currency"],
        "interval": recurring["interval"],
        "interval_count": recurring["interval_count"],
        "livemode": price["livemode"],
        "metadata": price["metadata"],
        "meter": None,
        "nickname": price["nickname"],
        "product": price["product"],
        "tiers_mode": None,
        "transform_usage": None,
        "trial_period_days": None,
        "usage_type": "licensed",
    }
