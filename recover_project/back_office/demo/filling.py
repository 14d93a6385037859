"""Six months of a merchant's life, made up: the same for the same merchant and moment."""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from random import Random

from billing_portal import links
from billing_portal.models import LINK_ID_LENGTH, PaymentUpdateLink
from dunning.mail.messages import HIDDEN
from dunning.models import DunningCampaign, DunningMessage, DunningRun, DunningStep, EndAction
from dunning.plans.default_plans import SCHEDULES
from dunning.wording.rendering import Rendered, render
from recover_project.back_office.demo import rows, telling
from recover_project.back_office.demo.people import PRICES, Person, strangers
from recover_project.back_office.demo.rows import CUSTOMERS, INVOICES, MARK, PLANS, Rows
from recover_project.back_office.demo.stories import Mail, Story, drawn, story
from recovery.declines import DeclineType
from recovery.models import Customer, Merchant, OperatorTask, RecoveryCase, TimelineEntry
from recovery.models.base import ALPHABET, ID_LENGTH
from recovery.operator_tasks import TaskKind
from recovery.timeline import PROGRESS, Kind

SPAN = timedelta(days=182)
CASES = 320
COMES_AGAIN = 0.15  # of the failures: somebody whom one has happened to before
BRANDS: Mapping[str, int] = {"visa": 58, "mastercard": 34, "amex": 8}
TASK_FROM = timedelta(days=9)  # after the failure; a person is asked to call
MOST_TASKS = 5
NEVER_DUE = datetime(9999, 1, 1, tzinfo=UTC)  # Stripe knows nothing of what is made up


def fill(merchant: Merchant, *, now: datetime, count: int = CASES) -> int:
    """How many cases were made. Raises rows.RefusedError, and then there is nothing new."""
    rows.refuse(merchant)
    made = _Making(merchant, now).all(count)
    rows.put(merchant, made)
    return len(made.cases)


class _Making:
    def __init__(self, merchant: Merchant, now: datetime) -> None:
        self.merchant, self.now = merchant, now.replace(microsecond=0)
        self.random = Random(merchant.public_id)  # noqa: S311 - nothing here is a secret
        self.people = strangers(self.random)
        self.made = Rows()
        self.steps: dict[tuple[str, int], DunningStep] = {}
        self.campaigns = {kind: self._campaign(kind) for kind in SCHEDULES}
        self.currencies: dict[str, str] = {}

    def all(self, count: int) -> Rows:
        for number, failed_at in enumerate(self._moments(count), 1):
            self._case(number, story(failed_at=failed_at, now=self.now, random=self.random))
        self._tasks()
        return self.made

    def _moments(self, count: int) -> list[datetime]:
        """More of them lately: the business grows. Stripe renews at any hour."""
        seconds = SPAN.total_seconds()
        ages = [seconds * (1 - self.random.random() ** 0.8) for _ in range(count)]
        return sorted(self.now - timedelta(seconds=round(age) + 300) for age in ages)

    def _campaign(self, kind: DeclineType) -> DunningCampaign:
        """Retired, so that no real case gets it."""
        campaign = DunningCampaign(
            merchant=self.merchant, plan=f"{PLANS}{kind}", state=DunningCampaign.State.RETIRED,
            name=f"{MARK}: {kind.replace('_', ' ')} declines", end_action=EndAction.MARK_LOST,
            published_at=self.now - SPAN,
        )  # fmt: skip
        self.made.campaigns.append(campaign)
        for position, (day, template) in enumerate(SCHEDULES[kind], 1):
            self.steps[kind, position] = DunningStep(
                campaign=campaign, position=position, delay=timedelta(days=day), template=template
            )
            self.made.steps.append(self.steps[kind, position])
        return campaign

    def _id(self, prefix: str, length: int = ID_LENGTH) -> str:
        return f"{prefix}_{''.join(self.random.choices(ALPHABET, k=length))}"

    def _customer(self, failed_at: datetime) -> Customer:
        if self.made.customers and self.random.random() < COMES_AGAIN:
            earlier = self.random.choice(self.made.customers)
            if earlier.known_at < failed_at - timedelta(days=45):
                earlier.known_at = failed_at
                return earlier
        person: Person = next(self.people)
        number = len(self.made.customers) + 1
        customer = Customer(
            merchant=self.merchant, stripe_customer_id=f"{CUSTOMERS}{number:04}",
            email=person.email, name=person.name, locale=person.locale, country=person.country,
            known_at=failed_at,
        )  # fmt: skip
        self.currencies[customer.stripe_customer_id] = person.currency
        self.made.customers.append(customer)
        return customer

    def _case(self, number: int, told: Story) -> None:
        customer = self._customer(told.failed_at)
        currency = self.currencies[customer.stripe_customer_id]
        amount = drawn(self.random, PRICES[currency])
        retries = len(told.retried_at)
        case = RecoveryCase(
            merchant=self.merchant, customer=customer, livemode=False,
            public_id=self._id("case"), stripe_invoice_id=f"{INVOICES}{number:04}",
            stripe_subscription_id=f"sub_demo_{customer.stripe_customer_id[len(CUSTOMERS):]}",
            invoice_number=f"DEMO-{number:04}", description=f"{MARK}: {self.merchant.name}",
            status=told.status, reason=told.trigger or "", mechanism=told.mechanism or "",
            amount=amount, amount_recovered=amount if told.mechanism else 0, currency=currency,
            decline_type=told.decline_type, decline_code=told.code, is_taken_up=True,
            card_brand=drawn(self.random, BRANDS),
            card_last4=f"{self.random.randrange(10_000):04}",
            attempt_count=1 + retries, next_payment_attempt_at=told.next_retry_at,
            failed_at=told.failed_at, opened_at=told.failed_at + timedelta(seconds=3),
            closed_at=told.ends_at, known_at=told.ends_at or told.failed_at,
            reconciled_at=NEVER_DUE,
        )  # fmt: skip
        self.made.cases.append(case)
        self.made.attempts += telling.attempts(case, told)
        campaign = self.campaigns[told.decline_type]
        run = DunningRun(
            merchant=self.merchant, case=case, campaign=campaign, started_at=case.opened_at,
            state=DunningRun.State.STOPPED, ended_at=told.ends_at or self.now,
            next_position=len(told.mails) + 1, reason=telling.campaign_ended(told),
            stepped_at=told.mails[-1].sent_at if told.mails else None,
        )  # fmt: skip
        self.made.runs.append(run)
        subjects = {mail.position: self._mail(run, mail, told) for mail in told.mails}
        entries = telling.timeline(case, told, subjects, campaign=str(campaign), now=self.now)
        for entry in entries:
            if progress := PROGRESS.get(Kind(entry.kind)):
                setattr(case, progress, True)
        self.made.timeline += entries

    def _mail(self, run: DunningRun, mail: Mail, told: Story) -> str:
        """Its subject."""
        case, words = run.case, self._words(run.case, mail)
        did_it = telling.came_back_through(told) == mail
        public_id = self._id("pul", LINK_ID_LENGTH)
        self.made.links.append(
            PaymentUpdateLink(
                merchant=self.merchant, case=case, public_id=public_id,
                digest=hashlib.sha256(f"demo:{public_id}".encode()).hexdigest(),
                created_at=mail.sent_at, expires_at=mail.sent_at + links.LIFETIME,
                opened_at=mail.opened_at, started_at=mail.opened_at if did_it else None,
                finished_at=told.ends_at if did_it else None,
            )
        )  # fmt: skip
        self.made.messages.append(
            DunningMessage(
                merchant=self.merchant, case=case, run=run, public_id=self._id("msg"),
                step=self.steps[told.decline_type, mail.position], tries=1,
                state=DunningMessage.State.SENT, recipient=case.customer_email,
                language=words.language, subject=words.subject, body_text=words.text,
                body_html=words.html, due_at=mail.sent_at, claimed_at=mail.sent_at,
                sent_at=mail.sent_at,
            )
        )  # fmt: skip
        return words.subject

    def _words(self, case: RecoveryCase, mail: Mail) -> Rendered:
        """As a customer would have read it; behind its button is nothing."""
        return render(
            debts=[case], template=mail.template, link=HIDDEN["link"],
            unsubscribe_url=HIDDEN["unsubscribe_url"],
        )  # fmt: skip

    def _tasks(self) -> None:
        """Somebody is to call about the dearest debts that no mail has brought back."""
        waiting = [
            case for case in self.made.cases
            if case.is_open and case.failed_at < self.now - TASK_FROM
        ]  # fmt: skip
        waiting.sort(key=lambda case: (-case.amount, case.public_id))
        for case in waiting[:MOST_TASKS]:
            at = case.failed_at + TASK_FROM
            task = OperatorTask(
                merchant=self.merchant, case=case, public_id=self._id("task"),
                kind=TaskKind.CAMPAIGN_STEP, once=f"demo:{case.public_id}", created_at=at,
                summary="Call the customer: two mails were not answered.",
            )  # fmt: skip
            self.made.tasks.append(task)
            self.made.timeline.append(
                TimelineEntry(
                    merchant=self.merchant, case=case, at=at, actor="recover", rule=task.kind,
                    kind=Kind.TASK_CREATED, summary=f"For a person: {task.summary}",
                    once=f"task:{task.public_id}",
                )
            )  # fmt: skip
