"""The fields of a message, and of how it is looked at."""

from django import forms

from dunning.wording.previews import SAID, Sample, Theme
from dunning.wording.templates import LONGEST, TemplateRefusedError
from dunning.wording.words import Words

WIDTHS = (("phone", "Phone (360 px)"), ("desk", "Desk"))
PARTS = (("html", "With pictures and colors"), ("text", "As plain text"))
TEXT = forms.Textarea(attrs={"rows": 4, "spellcheck": "true"})


class WordsForm(forms.Form):
    """What is too long is refused by the words' own rules, which say so."""

    subject = forms.CharField(
        required=False, help_text=f"On one line, at most {LONGEST['subject']} characters."
    )
    body = forms.CharField(
        required=False, label="Text of the mail",
        widget=forms.Textarea(attrs={"rows": 14, "spellcheck": "true"}),
        help_text="HTML: p, br, strong, em, a, ul, ol, li, h2, blockquote. Inboxes show its "
        "beginning beside the subject, so say there what it is about.",
    )  # fmt: skip
    button = forms.CharField(
        required=False, label="Button", help_text="Empty: the one that Recover ships."
    )
    text = forms.CharField(
        required=False, label="Plain text", widget=TEXT,
        help_text="For mail programs that show no HTML; empty: made from the text above.",
    )  # fmt: skip

    @classmethod
    def of(cls, words: Words) -> "WordsForm":
        return cls(
            initial={
                "subject": words.subject, "body": words.body, "button": words.button,
                "text": words.text,
            }
        )  # fmt: skip

    @property
    def words(self) -> Words:
        told = self.cleaned_data
        return Words(
            subject=told["subject"], body=told["body"], text=told["text"], button=told["button"]
        )

    def blame(self, error: TemplateRefusedError) -> None:
        self.add_error(error.field if error.field in self.fields else None, str(error))


class LookForm(forms.Form):
    """What isn't said is as usual."""

    sample = forms.ChoiceField(
        label="About", required=False, choices=[(one.value, words) for one, words in SAID.items()]
    )
    width = forms.ChoiceField(label="On", required=False, choices=WIDTHS)
    theme = forms.ChoiceField(
        label="Colors", required=False,
        choices=[(theme.value, theme.capitalize()) for theme in Theme],
    )  # fmt: skip
    part = forms.ChoiceField(label="Part", required=False, choices=PARTS)

    @property
    def sample_chosen(self) -> Sample:
        return Sample(self._chosen("sample") or Sample.EXPIRED_CARD)

    @property
    def width_chosen(self) -> str:
        return self._chosen("width") or WIDTHS[0][0]

    @property
    def theme_chosen(self) -> Theme:
        return Theme(self._chosen("theme") or Theme.LIGHT)

    @property
    def is_text(self) -> bool:
        return self._chosen("part") == "text"

    def _chosen(self, name: str) -> str:
        """As it was sent where that is one of the choices, else ""."""
        return str(self.cleaned_data.get(name, "")) if self.is_bound and not self.errors else ""
