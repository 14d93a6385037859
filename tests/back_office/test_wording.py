"""What mails say: written by owners, looked at by everybody, tried by whoever sits there."""

from typing import Any

import pytest
from django.core import mail
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django import Settings

from dunning.mail import handover
from dunning.mail.handover import Fate, Outcome
from dunning.models import DunningMessage, MessageTemplate
from dunning.wording import templates
from dunning.wording.previews import Sample
from recovery.models import Merchant, Role, User
from tests.back_office.people import log_in, log_in_superuser, members
from tests.builders import make_merchant

pytestmark = pytest.mark.django_db
WORDS = {"subject": "Hello from {{ product }}", "body": "<p>You owe {{ amount }}.</p>",
         "button": "Pay", "text": ""}  # fmt: skip


@pytest.fixture(autouse=True)
def _nothing_counted() -> None:
    cache.clear()


@pytest.fixture
def merchant() -> Merchant:
    return make_merchant("fern")


@pytest.fixture
def olga(merchant: Merchant) -> Client:
    return log_in(merchant, Role.OWNER, "olga@example.com")


def address(page: str = "edit", name: str = "failed", language: str = "en") -> str:
    return reverse(f"admin:wording_{page}", args=[name, language])


def kept() -> list[tuple[str, str, str]]:
    return list(MessageTemplate.objects.values_list("name", "language", "subject"))


def said(answer: Any) -> list[str]:
    return [str(message) for message in answer.context["messages"]]


# --- the list and the editor ------------------------------------------------------------------


def test_the_list_tells_own_words_from_shipped_ones(merchant: Merchant, olga: Client) -> None:
    olga.post(address("edit", "reminder", "de"), WORDS)

    rows = olga.get("/admin/wording/").context["rows"]

    own = [(row["name"], code) for row in rows for code, _spoken, kept in row["cells"] if kept]
    assert own == [("reminder", "de")]
    assert len(rows) == 6


def test_an_owner_writes_and_goes_back_to_what_is_shipped(olga: Client) -> None:
    saved = olga.post(address(), WORDS, follow=True)

    assert said(saved) == ["Saved. Mails from now on say it."]
    assert kept() == [("failed", "en", "Hello from {{ product }}")]
    assert "Hello from {{ product }}" in olga.get(address()).content.decode()

    assert "What it will say" in olga.get(address("restore")).content.decode()
    assert len(kept()) == 1
    assert said(olga.post(address("restore"), follow=True)) == ["It says what Recover ships."]
    assert said(olga.post(address("restore"), follow=True)) == [
        "It said what Recover ships already."
    ]
    assert kept() == []


def test_what_no_mail_may_have_is_taken_out_and_told(olga: Client) -> None:
    body = '<p onclick="x">See <a href="https://x.example">it</a> <img src=x></p><br>{{ amount }}'
    saved = olga.post(address(), WORDS | {"body": body})

    assert said(olga.get(saved["Location"])) == [
        "Saved. Mails from now on say it.",
        "Taken out, since no mail may have it: <img>, onclick, src.",
    ]


def test_every_change_is_told_with_who_and_what_it_said_before(olga: Client) -> None:
    olga.post(address(), WORDS)
    olga.post(address(), WORDS | {"subject": "Another one"})
    olga.post(address("edit", "failed", "de"), WORDS)
    olga.post(address("restore"))

    changes = olga.get(address()).context["changes"]

    assert [(str(change["who"]), change["did"]) for change in changes] == [
        ("olga@example.com", "went back to what Recover ships"),
        ("olga@example.com", "changed them"),
        ("olga@example.com", "wrote own words"),
    ]
    assert changes[1]["fields"] == [("subject", "Hello from {{ product }}", "Another one")]


@pytest.mark.parametrize(
    ("field", "written", "why"),
    [
        ("subject", "", "The subject is empty."),
        ("subject", "x" * 301, "The subject is longer than 300 characters."),
        ("body", "", "The body is empty."),
        ("body", "<p>\n{{ price }}</p>", "Line 2: there is no variable {{ price }}"),
        ("body", "<p>{% for x in y %}</p>", "{% for %} isn't available in templates."),
        ("body", "<p>{{ amount </p>", "Line 1: {{ isn't closed by }}"),
        ("body", "<script>alert(1)</script>", "The body is empty."),
        ("button", "{{ nobody }}", "there is no variable {{ nobody }}"),
        ("text", "{% if card %}", "Expected tag endif, but the template ended."),
    ],
)
def test_what_can_t_be_sent_is_refused_beside_its_field_and_kept_to_be_mended(
    olga: Client, field: str, written: str, why: str
) -> None:
    answer = olga.post(address(), WORDS | {field: written})

    assert list(answer.context["form"].errors) == [field]
    assert why in answer.context["form"].errors[field][0]
    assert answer.context["form"][field].value() == written
    assert kept() == []


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.VIEWER])
def test_operators_and_viewers_read_and_change_nothing(merchant: Merchant, role: str) -> None:
    client = log_in(merchant, role)
    templates.save(merchant=merchant, name="failed", language="en", now=merchant.created_at,
                   **WORDS)  # fmt: skip

    shown = client.get(address())
    assert shown.status_code == 200
    for page in ("test", "restore"):
        assert address(page) not in shown.content.decode()
        assert client.post(address(page), WORDS).status_code == 403
    assert client.post(address(), WORDS | {"subject": "Mine"}).status_code == 403
    assert client.get(address("restore")).status_code == 403
    assert client.post(address("preview"), WORDS).status_code == 200
    assert kept() == [("failed", "en", "Hello from {{ product }}")]
    assert mail.outbox == []


def test_another_merchants_words_are_not_shown_or_changed(
    merchant: Merchant, olga: Client
) -> None:
    moss = make_merchant("moss")
    templates.save(merchant=moss, name="failed", language="en", now=moss.created_at,
                   **WORDS | {"subject": "Moss alone"})  # fmt: skip

    for page in ("/admin/wording/", address(), address("preview")):
        shown = olga.get(page).content.decode()
        assert "Moss alone" not in shown
        assert "own," not in shown
    olga.post(address("restore"))
    olga.post(address(), WORDS)

    assert MessageTemplate.objects.of(moss).get().subject == "Moss alone"
    assert "Moss alone" not in str(olga.get(address()).context["changes"])


@pytest.mark.parametrize(("name", "language"), [("nothing", "en"), ("failed", "xx")])
def test_what_nothing_is_shipped_for_is_unknown(olga: Client, name: str, language: str) -> None:
    for page in ("edit", "preview", "restore"):
        assert olga.get(address(page, name, language)).status_code == 404
    for page in ("edit", "preview", "restore", "test"):
        assert olga.post(address(page, name, language), WORDS).status_code == 404


def test_the_pages_cost_few_queries(merchant: Merchant, olga: Client) -> None:
    for language in ("en", "de", "fr"):
        olga.post(address("edit", "failed", language), WORDS)
    olga.get(address())

    for path, most in (("/admin/wording/", 6), (address(), 8), (address("preview"), 8)):
        with CaptureQueriesContext(connection) as asked:
            assert olga.get(path).status_code == 200
        assert len(asked) <= most, [query["sql"][:120] for query in asked]


# --- the preview ------------------------------------------------------------------------------


def test_the_preview_shows_what_is_written_and_saves_nothing(olga: Client) -> None:
    shown = olga.post(address("preview"), WORDS).content.decode()

    assert "Subject: <b>Hello from fern</b>" in shown
    assert "You owe $49.00." in shown
    assert kept() == []


@pytest.mark.parametrize("sample", Sample)
def test_it_is_shown_about_each_kind_of_debt(olga: Client, sample: Sample) -> None:
    body = "<p>{{ reason }} {{ debt_count }} {{ card | default: 'no card' }}</p>"

    shown = olga.post(address("preview"), WORDS | {"body": body, "sample": sample})

    told = shown.content.decode()
    assert ("no card" in told) == (sample is Sample.BARE)
    assert ("$147.00" in told) == (sample is Sample.SEVERAL)
    assert ("FERN-0001" in told) == (sample not in {Sample.BARE, Sample.ONE_TIME})


def test_its_colors_are_those_that_were_chosen(olga: Client) -> None:
    light, dark = (
        olga.post(address("preview"), WORDS | {"theme": theme}).content.decode()
        for theme in ("light", "dark")
    )

    assert "prefers-color-scheme" not in light + dark
    assert "@media not all {" in light
    assert "@media all {" in dark


def test_the_plain_text_is_shown_as_it_is_sent(olga: Client) -> None:
    shown = olga.post(
        address("preview"), WORDS | {"part": "text", "text": "<b>Plain</b> & simple"}
    )

    assert "&lt;b&gt;Plain&lt;/b&gt; &amp; simple" in shown.content.decode()


def test_what_is_wrong_is_said_where_the_mail_would_be(olga: Client) -> None:
    shown = olga.post(address("preview"), WORDS | {"body": "{{ <script>alert(1)</script> }}"})

    assert shown.status_code == 200
    told = shown.content.decode()
    assert "In the body: Line 1: " in told
    assert "<script>" not in told


def test_a_choice_that_is_none_is_as_usual(olga: Client) -> None:
    chosen = {"sample": "x", "theme": "y", "part": "z", "width": "0"}

    assert olga.post(address("preview"), WORDS | chosen).status_code == 200
    assert olga.get(address(), chosen).status_code == 200


def test_the_preview_can_do_nothing(olga: Client) -> None:
    answer = olga.post(address("preview"), WORDS)

    policy = answer["Content-Security-Policy"]
    for rule in ("script-src 'none'", "form-action 'none'", "connect-src 'none'", "sandbox",
                 "frame-ancestors 'self'"):  # fmt: skip
        assert rule in policy
    assert answer["X-Frame-Options"] == "SAMEORIGIN"
    assert "no-store" in answer["Cache-Control"]


# --- a test to oneself ------------------------------------------------------------------------


def test_a_test_goes_to_whoever_sits_there_and_is_no_message_to_a_customer(
    merchant: Merchant, olga: Client
) -> None:
    Merchant.objects.filter(pk=merchant.pk).update(sender_email="billing@fern.example")

    answer = olga.post(address("test"), WORDS | {"to": "other@example.com"})

    assert said(answer) == ["Sent to olga@example.com, marked as a test."]
    [sent] = mail.outbox
    assert sent.to == ["olga@example.com"]
    assert sent.subject == "[Test] Hello from fern"
    assert sent.from_email == "fern <billing@fern.example>"
    assert "You owe $49.00." in sent.body
    assert "List-Unsubscribe" not in sent.extra_headers
    assert not DunningMessage.objects.exists()
    assert kept() == []
    assert answer.context["form"]["subject"].value() == WORDS["subject"]


def test_staff_who_looks_on_gets_the_test_and_the_owner_does_not(
    merchant: Merchant, olga: Client
) -> None:
    root = log_in_superuser()
    owner = User.objects.get(email="olga@example.com")
    root.post("/admin/look-on/", {"user_pk": owner.pk})
    session = root.session
    session["hijack_history"] = [str(User.objects.get(email="root@example.com").pk)]
    session.save()

    root.post(address("test"), WORDS)

    assert [sent.to for sent in mail.outbox] == [["root@example.com"]]


def test_words_that_can_t_be_sent_are_refused_and_nothing_goes(olga: Client) -> None:
    answer = olga.post(address("test"), WORDS | {"subject": ""})

    assert list(answer.context["form"].errors) == ["subject"]
    assert mail.outbox == []


@pytest.mark.parametrize(
    ("outcome", "told"),
    [
        (Outcome(Fate.OUTAGE, "The mail server is away."), "Not sent: The mail server is away."),
        (
            Outcome(Fate.UNKNOWN, "It was lost."),
            "Not sent: It was lost. So it may have gone or not.",
        ),
    ],
)
def test_a_mail_server_that_takes_nothing_is_told(
    olga: Client, monkeypatch: pytest.MonkeyPatch, outcome: Outcome, told: str
) -> None:
    monkeypatch.setattr(handover, "hand_over", lambda _mail: outcome)

    assert said(olga.post(address("test"), WORDS)) == [told]


def test_who_tries_too_often_waits_and_others_do_not(
    merchant: Merchant, olga: Client, settings: Settings
) -> None:
    settings.RATELIMIT_ENABLE = True
    paul = log_in(merchant, Role.OWNER, "paul@example.com")

    told = [said(olga.post(address("test"), WORDS))[0] for _time in range(6)]

    assert told[4] == "Sent to olga@example.com, marked as a test."
    assert told[5] == "Not sent: you have tried 5 times within a minute. Wait a little."
    paul.post(address("test"), WORDS)
    assert [sent.to[0] for sent in mail.outbox] == ["olga@example.com"] * 5 + ["paul@example.com"]


def test_members_of_every_role_see_each_language(merchant: Merchant) -> None:
    for client in members(merchant):
        for language in ("en", "ja"):
            for page in ("edit", "preview"):
                answer = client.get(address(page, "final", language))
                assert answer.status_code == 200
