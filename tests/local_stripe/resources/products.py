"""/v1/products and /v1/prices"""

from typing import Any

from tests.local_stripe import errors
from tests.local_stripe.fields import metadata, take, take_metadata
from tests.local_stripe.ids import new_id
from tests.local_stripe.listing import page
from tests.local_stripe.realm import Realm
from tests.local_stripe.routing import Call, route
from tests.local_stripe.shapes import Object


@route("POST /v1/products", permission="rak_product_write")
def create_product(call: Call) -> Object:
    product = new_product(call.realm, call.params["name"], id_=call.params.get("id"))
    take(product, call.params, ("description", "active", "images", "url", "unit_label"))
    take_metadata(product, call.params)
    call.realm.emit("product.created", product)
    return product


def new_product(realm: Realm, name: str, *, id_: str | None = None) -> Object:
    return realm.add(
        {
            "id": id_ or new_id("prod", 14),
            "object": "product",
            "active": True,
            "default_price": None,
            "description": None,
            "images": [],
            "marketing_features": [],
            "metadata": {},
            "name": name,
            "package_dimensions": None,
            "shippable": None,
            "statement_descriptor": None,
            "tax_code": None,
            "unit_label": None,
            "updated": realm.now(),
            "url": None,
        }
    )


@route("GET /v1/products/{id}", permission="rak_product_read")
def retrieve_product(call: Call) -> Object:
    return call.realm.get("product", call.path_ids["id"])


@route("POST /v1/products/{id}", permission="rak_product_write")
def update_product(call: Call) -> Object:
    product = call.realm.get("product", call.path_ids["id"])
    with call.realm.changing(product, "product.updated"):
        take(product, call.params, ("name", "description", "active", "images", "url"))
        take_metadata(product, call.params)
    return product


@route("GET /v1/products", permission="rak_product_read")
def list_products(call: Call) -> Object:
    return page(call, call.realm.all("product"), filters=("active",))


@route("POST /v1/prices", permission="rak_plan_write")
def create_price(call: Call) -> Object:
    given = call.params
    return new_price(call.realm, given, product=_product_of(call.realm, given))


def _product_of(realm: Realm, given: dict[str, Any]) -> Object:
    if given.get("product_data"):
        product = new_product(realm, given["product_data"]["name"])
        realm.emit("product.created", product)
        return product
    if not given.get("product"):
        raise errors.missing_param("product")
    return realm.referred("product", given["product"], param="product")


def new_price(realm: Realm, given: dict[str, Any], *, product: Object) -> Object:
    """A price from the parameters of `POST /v1/prices` or of `price_data`."""
    amount = given.get("unit_amount")
    if amount is None and given.get("unit_amount_decimal") is None:
        raise errors.missing_param("unit_amount")
    price = realm.add(
        {
            "id": new_id("price"),
            "object": "price",
            "active": True,
            "billing_scheme": "per_unit",
            "currency": given["currency"],
            "custom_unit_amount": None,
            "lookup_key": given.get("lookup_key"),
            "metadata": metadata(given),
            "nickname": given.get("nickname"),
            "product": product["id"],
            "recurring": _recurring(given.get("recurring")),
            "tax_behavior": "unspecified",
            "tiers_mode": None,
            "transform_quantity": None,
            "type": "recurring" if given.get("recurring") else "one_time",
            "unit_amount": amount,
            "unit_amount_decimal": given.get("unit_amount_decimal") or str(amount),
            "_product_name": product["name"],
        }
    )
    realm.emit("price.created", price)
    return price


def inline_price(realm: Realm, given: dict[str, Any]) -> Object:
    """`price_data` of a subscription's item, an invoice item or a Checkout line."""
    return new_price(realm, given, product=_product_of(realm, given))


def _recurring(given: dict[str, Any] | None) -> Object | None:
    if not given:
        return None
    return {
        "interval": given["interval"],
        "interval_count": given.get("interval_count", 1),
        "meter": None,
        "trial_period_days": None,
        "usage_type": "licensed",
    }


@route("GET /v1/prices/{price}", permission="rak_plan_read")
def retrieve_price(call: Call) -> Object:
    return call.realm.get("price", call.path_ids["price"], param="price")


@route("POST /v1/prices/{price}", permission="rak_plan_write")
def update_price(call: Call) -> Object:
    price = call.realm.get("price", call.path_ids["price"], param="price")
    with call.realm.changing(price, "price.updated"):
        take(price, call.params, ("active", "nickname", "lookup_key"))
        take_metadata(price, call.params)
    return price


@route("GET /v1/prices", permission="rak_plan_read")
def list_prices(call: Call) -> Object:
    return page(call, call.realm.all("price"), filters=("active", "currency", "product", "type"))
