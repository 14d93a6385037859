-- %(cases)s open cases of a merchant, each worked by a run of one campaign; of every so many one
-- step is due since a moment (%(every)s: 1 of all, 10 of a tenth). Of ten that are due one is a task
-- for a person, one has a condition that isn't met, and eight are mails. Each customer was written
-- to when the payment failed, days ago.

INSERT INTO recovery_customer (
    id, merchant_id, stripe_customer_id, email, name, locale, country, state, metadata,
    alternate_email, default_payment_method_id, is_deleted, known_at, new_payment_method_id,
    new_payment_method_tries
)
SELECT
    n, %(merchant)s, 'cus_' || n, 'jo' || n || '@example.com', 'Jo Mercer ' || n,
    (ARRAY['en', 'de', 'fr', 'ja'])[1 + n %% 4], (ARRAY['US', 'DE', 'FR', 'JP'])[1 + n %% 4], '',
    '{}', '', 'pm_' || n, false, %(now)s, '', 0
FROM generate_series(1, %(cases)s) n;

-- Step by step three days apart: whose second is due failed three days ago, and so on.
INSERT INTO recovery_recoverycase (
    id, public_id, merchant_id, customer_id, livemode, stripe_invoice_id,
    stripe_payment_intent_id, stripe_subscription_id, invoice_number, description,
    hosted_invoice_url, status, reason, is_paused, mechanism, amount, amount_recovered,
    amount_refunded, currency, decline_type, decline_code, advice_code, payment_method_id,
    card_brand, card_last4, attempt_count, paid_attempt_count, failed_at, opened_at, known_at,
    enrich_tries, retry_driver, is_payment_under_way, is_taken_up, is_reached, has_opened,
    has_updated
)
SELECT
    n, 'case_' || n, %(merchant)s, n, true, 'in_' || n, 'pi_' || n, 'sub_' || n, 'FERN-' || n,
    'Pro, monthly', 'https://invoice.example.com/' || n, 'open', '', false, '', 4900, 0, 0, 'usd',
    'soft', 'generic_decline', '', 'pm_' || n, 'visa', '4242', 1, 0, failed_at, failed_at,
    failed_at, 0, 'stripe', false, true, true, false, false
FROM (
    SELECT n, %(now)s - interval '1 hour' - interval '3 days' * (CASE n / %(every)s %% 10
        WHEN 0 THEN 2 WHEN 1 THEN 3 ELSE 1 END) AS failed_at
    FROM generate_series(1, %(cases)s) n
) failed;

INSERT INTO recovery_timelineentry (
    id, merchant_id, case_id, at, actor, kind, summary, rule, source, facts, once
)
SELECT
    id * 4 + k, merchant_id, id, opened_at + interval '1 second' * k, 'recover',
    (ARRAY['opened', 'dunning_started', 'step_planned', 'message_sent'])[k + 1],
    'What was done, and why.', 'step 1 of the campaign', '', '{"step": 1}', 'e' || k
FROM recovery_recoverycase, generate_series(0, 3) k;

INSERT INTO dunning_dunningrun (
    id, merchant_id, case_id, campaign_id, state, next_position, due_at, started_at, reason,
    stepped_at, tell_stripe_tries
)
SELECT
    id, merchant_id, id, %(campaign)s, 'live',
    CASE id / %(every)s %% 10 WHEN 0 THEN 3 WHEN 1 THEN 4 ELSE 2 END,
    CASE id %% %(every)s WHEN 0 THEN %(now)s - interval '1 second' * abs(hashint8(id) %% 600)
        ELSE %(now)s + interval '1 day' + interval '7 days' * (id * 7919 %% 997) / 997 END,
    opened_at, '', opened_at, 0
FROM recovery_recoverycase;

INSERT INTO dunning_dunningmessage (
    id, public_id, merchant_id, case_id, run_id, step_id, asked_for_by, state, recipient,
    language, subject, body_text, body_html, due_at, tries, claimed_at, sent_at, provider_id,
    error
)
SELECT
    id, 'msg_' || id, merchant_id, id, id, %(step)s, '', 'sent', 'jo' || id || '@example.com',
    'en', 'Your payment failed', repeat('Please update your card. ', 10),
    repeat('<p>Please update your card.</p>', 10), opened_at, 1, opened_at, opened_at, 'p' || id,
    ''
FROM recovery_recoverycase
