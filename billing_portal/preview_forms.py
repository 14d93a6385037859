"""What an operator may choose of a preview. What isn't chosen is as usual, so that an address says
only what is not."""

from django import forms

from billing_portal import previews
from billing_portal.languages import ENGLISH, LANGUAGES
from billing_portal.page_words import PAGE_WORDS
from recovery.models import Merchant
from recovery.models.merchants import COLOR, LONGEST_NAME

THEMES = (("", "As the reader's system"), ("light", "Light"), ("dark", "Dark"))
WIDTHS = (("phone", "Phone (360 px)"), ("desk", "Desk (1200 px)"))
USUAL = {"state": next(iter(PAGE_WORDS[ENGLISH].pages)), "language": ENGLISH, "width": "phone"}


class PreviewForm(forms.Form):
    """`color` and `product_name` are tried, not saved; empty, the merchant's own are shown."""

    state = forms.ChoiceField(label="Page", choices=previews.states)
    language = forms.ChoiceField(choices=list(LANGUAGES.items()))
    theme = forms.ChoiceField(choices=THEMES, required=False)
    width = forms.ChoiceField(choices=WIDTHS)
    color = forms.CharField(label="Try another color", required=False, validators=[COLOR])
    product_name = forms.CharField(
        label="Try another product name", required=False, max_length=LONGEST_NAME
    )

    def __init__(self, asked: dict[str, str], *, merchant: Merchant) -> None:
        super().__init__(USUAL | asked)
        for name in ("color", "product_name"):
            self.fields[name].widget.attrs["placeholder"] = getattr(merchant, name)
