-- %(cases)s cases of a merchant over the last year, as the product would have written them.
-- Ids are %(base)s and a number, so that a row's case is told by its own number.

INSERT INTO recovery_customer (
    id, merchant_id, stripe_customer_id, email, name, locale, country, state, metadata,
    alternate_email, default_payment_method_id, is_deleted, known_at, new_payment_method_id,
    new_payment_method_tries
)
SELECT
    %(base)s + n, %(merchant)s, 'cus_' || %(name)s || n,
    CASE n %% 4 WHEN 0 THEN 'anna' WHEN 1 THEN 'liam' WHEN 2 THEN 'noah' ELSE 'ruth' END
        || n || '@example.com',
    CASE n %% 4 WHEN 0 THEN 'Anna' WHEN 1 THEN 'Liam' WHEN 2 THEN 'Noah' ELSE 'Ruth' END
        || ' Mercer ' || n,
    'en', 'US', '', '{}', '', 'pm_' || n, n %% 200 = 0, %(now)s, '', 0
FROM generate_series(1, greatest(1, %(cases)s / 2)) n;

-- One in thirty is still open: most of what failed in the last three weeks. What is known of a case
-- tells nothing of the rest of it, as far as filters go: each is by a throw of its own.
INSERT INTO recovery_recoverycase (
    id, public_id, merchant_id, customer_id, livemode, stripe_invoice_id,
    stripe_payment_intent_id, stripe_subscription_id, invoice_number, description,
    hosted_invoice_url, status, reason, is_paused, mechanism, amount, amount_recovered,
    amount_refunded, currency, decline_type, decline_code, advice_code, payment_method_id,
    card_brand, card_last4, attempt_count, paid_attempt_count, failed_at, opened_at, closed_at,
    known_at, enrich_tries, retry_driver, is_payment_under_way, is_taken_up, is_reached, has_opened,
    has_updated
)
SELECT
    %(base)s + n, 'case_' || %(name)s || n, %(merchant)s,
    %(base)s + 1 + n %% greatest(1, %(cases)s / 2), true, 'in_' || %(name)s || n,
    'pi_' || %(name)s || n, 'sub_' || %(name)s || n %% greatest(1, %(cases)s / 2),
    upper(%(name)s) || '-' || n, 'Pro, monthly', 'https://invoice.example.com/' || n, status,
    CASE status WHEN 'open' THEN '' WHEN 'recovered' THEN 'invoice_paid'
        WHEN 'lost' THEN 'campaign_ended' ELSE 'invoice_voided' END,
    status = 'open' AND third < 40, CASE status WHEN 'recovered' THEN 'card_update' ELSE '' END,
    amount, CASE status WHEN 'recovered' THEN amount ELSE 0 END, 0,
    CASE WHEN second < 1 THEN 'sek' WHEN second < 50 THEN 'gbp' WHEN second < 200 THEN 'eur'
        ELSE 'usd' END,
    CASE WHEN first < 700 THEN 'soft' WHEN first < 900 THEN 'hard' ELSE 'action_required' END,
    CASE WHEN first < 700 THEN 'insufficient_funds' WHEN first < 900 THEN 'stolen_card'
        ELSE 'authentication_required' END,
    '', 'pm_' || n, 'visa', '4242', 3, CASE status WHEN 'recovered' THEN 1 ELSE 0 END,
    failed_at, failed_at,
    CASE status WHEN 'open' THEN NULL
        ELSE least(%(now)s, failed_at + interval '1 day' * (1 + n %% 20)) END,
    failed_at, 0, 'stripe', false, true, fourth < 900, third < 500, status = 'recovered'
FROM (
    SELECT
        *, (ARRAY[1900, 2900, 2900, 4900, 4900, 9900, 19900, 29000])[1 + third %% 8] AS amount,
        CASE WHEN failed_at > %(now)s - interval '21 days' AND fourth < 600 THEN 'open'
            WHEN fourth < 650 THEN 'recovered' WHEN fourth < 950 THEN 'lost'
            ELSE 'voided' END AS status
    FROM (
        SELECT
            n, %(now)s - interval '365 days' * (%(cases)s - n + 1) / %(cases)s AS failed_at,
            abs(hashint4(n) %% 1000) AS first, abs(hashint4(-n) %% 1000) AS second,
            abs(hashint4(n * 3 + 1) %% 1000) AS third, abs(hashint4(n * 7 + 2) %% 1000) AS fourth
        FROM generate_series(1, %(cases)s) n
    ) thrown
) told;

INSERT INTO recovery_timelineentry (
    id, merchant_id, case_id, at, actor, kind, summary, rule, source, facts, once
)
SELECT
    (%(base)s + n) * 10 + k, %(merchant)s, %(base)s + n,
    %(now)s - interval '365 days' * (%(cases)s - n + 1) / %(cases)s + interval '1 second' * k,
    'recover', 'message_sent', 'A mail went to the customer.', '', '', '{"step": 2}', 'e' || k
FROM generate_series(1, %(cases)s) n, generate_series(0, 9) k;

INSERT INTO recovery_timelineentry (
    id, merchant_id, case_id, at, actor, kind, summary, rule, source, facts, once
)
SELECT
    (%(base)s + %(cases)s) * 10 + 10 + k, %(merchant)s, %(base)s + %(cases)s,
    %(now)s - interval '1 second' * k, 'recover', 'message_sent', 'A mail went to the customer.',
    '', '', '{"step": 2}', 'long' || k
FROM generate_series(1, %(long_story)s) k;

INSERT INTO recovery_paymentattempt (
    id, merchant_id, case_id, trigger, state, key, stripe_charge_id, payment_method_id,
    fingerprint, card_brand, card_last4, card_country, card_expiry, amount, currency,
    decline_type, decline_code, advice_code, network_decline_code, network_advice_code,
    block_reason, error, attempted_at, resolved_at
)
SELECT
    id * 10 + k, merchant_id, id, 'stripe',
    CASE WHEN k = 2 AND status = 'recovered' THEN 'succeeded' ELSE 'failed' END, 'a' || k,
    'ch_' || %(name)s || id || '_' || k, payment_method_id, 'fp' || id, 'visa', '4242', 'US',
    '2029-03', amount, currency, decline_type, decline_code, '', '51', '', '', '',
    opened_at + interval '1 hour' * k, opened_at + interval '1 hour' * k
FROM recovery_recoverycase, generate_series(0, 2) k
WHERE merchant_id = %(merchant)s;

-- Of those that are live a quarter have no step to come, and one in five hundred is due.
INSERT INTO dunning_dunningrun (
    id, merchant_id, case_id, campaign_id, state, next_position, due_at, started_at, ended_at,
    reason, stepped_at, tell_stripe_tries
)
SELECT
    id, merchant_id, id, %(campaign)s, CASE status WHEN 'open' THEN 'live' ELSE 'stopped' END,
    CASE WHEN id %% 4 = 0 THEN cardinality(%(steps)s::bigint[]) + 1 ELSE 2 END,
    CASE status WHEN 'open' THEN %(now)s + interval '7 days' * ((id * 7919) %% 997 - 2) / 997 END,
    opened_at, closed_at, CASE status WHEN 'open' THEN '' ELSE 'closed' END, opened_at, 0
FROM recovery_recoverycase WHERE merchant_id = %(merchant)s;

INSERT INTO dunning_dunningmessage (
    id, public_id, merchant_id, case_id, run_id, step_id, asked_for_by, state, recipient,
    language, subject, body_text, body_html, due_at, tries, claimed_at, sent_at, provider_id,
    error
)
SELECT
    number, 'msg_' || %(name)s || number, %(merchant)s, case_id, case_id,
    (%(steps)s::bigint[])[k + 1], '', state, 'noah' || case_id || '@example.com', 'en',
    'Your payment failed', repeat('Please update your card. ', 10),
    repeat('<p>Please update your card.</p>', 10), opened_at, 1, opened_at,
    CASE state WHEN 'sent' THEN opened_at + interval '1 minute' END, 'p' || number, ''
FROM (
    SELECT
        id * 10 + k AS number, id AS case_id, k, opened_at,
        CASE WHEN id %% 500 = 0 THEN 'unknown' WHEN id %% 50 = 0 THEN 'failed'
            WHEN id %% 1000 = 1 AND status = 'open' THEN 'queued' ELSE 'sent' END AS state
    FROM recovery_recoverycase, generate_series(0, 1) k
    WHERE merchant_id = %(merchant)s
) told;

INSERT INTO billing_portal_paymentupdatelink (
    id, public_id, merchant_id, case_id, digest, created_at, expires_at, opened_at,
    payment_method_before
)
SELECT
    id, 'pul_' || %(name)s || id, merchant_id, id, md5(%(name)s || id), opened_at,
    opened_at + interval '7 days', CASE WHEN id %% 3 = 0 THEN opened_at END, ''
FROM recovery_recoverycase WHERE merchant_id = %(merchant)s;

INSERT INTO recovery_stripeevent (
    id, merchant_id, stripe_event_id, type, concerns, payload, received_at, state, due_at, tries,
    error, processed_at
)
SELECT
    number, %(merchant)s, 'evt_' || %(name)s || number, 'invoice.payment_failed', concerns,
    '{"id": "evt_1", "type": "invoice.payment_failed", "data": {"object": {"id": "in_1", "amount_due": 4900}}}',
    opened_at, state, opened_at, 1, '',
    CASE state WHEN 'processed' THEN opened_at END
FROM (
    SELECT
        id * 10 + k AS number, stripe_invoice_id AS concerns, opened_at,
        CASE WHEN id %% 2000 = 0 THEN 'failed' WHEN id %% 1000 = 1 AND status = 'open'
            THEN 'pending' ELSE 'processed' END AS state
    FROM recovery_recoverycase, generate_series(0, 2) k
    WHERE merchant_id = %(merchant)s
) told;

INSERT INTO recovery_outboundnotice (
    id, public_id, merchant_id, case_id, type, data, once, happened_at, published_at, sequence,
    payload
)
SELECT
    id, 'notice_' || %(name)s || id, merchant_id, id, 'case.opened', '{}', 'opened', opened_at,
    opened_at, 1, '{"type": "case.opened"}'
FROM recovery_recoverycase WHERE merchant_id = %(merchant)s;

INSERT INTO recovery_webhookdelivery (
    id, public_id, merchant_id, registration_id, notice_id, case_id, sequence, state, tries,
    due_at, tried_at, last_status, last_error, response_excerpt, created_at, delivered_at,
    given_up_at
)
SELECT
    id, 'whd_' || %(name)s || id, merchant_id, %(registration)s, id, id, 1, state, 1, opened_at,
    opened_at, 200, '', 'ok', opened_at, CASE state WHEN 'delivered' THEN opened_at END,
    CASE state WHEN 'given_up' THEN opened_at END
FROM (
    SELECT
        id, merchant_id, opened_at,
        CASE WHEN id %% 50 = 0 THEN 'given_up' WHEN id %% 1000 = 1 AND status = 'open'
            THEN 'pending' ELSE 'delivered' END AS state
    FROM recovery_recoverycase WHERE merchant_id = %(merchant)s
) told;

-- A tenth of what is open waits for a person.
INSERT INTO recovery_operatortask (
    id, public_id, merchant_id, case_id, kind, summary, once, created_at, done_at
)
SELECT
    id, 'task_' || %(name)s || id, merchant_id, id,
    CASE WHEN id %% 20 = 0 THEN 'campaign_step' ELSE 'charge_refused' END, 'Call the customer.',
    't' || id, opened_at, closed_at
FROM recovery_recoverycase WHERE merchant_id = %(merchant)s AND id %% 10 = 0;

INSERT INTO dunning_suppressedaddress (
    merchant_id, email, reason, detail, suppressed_at
)
SELECT %(merchant)s, 'noah' || n || '@example.com', 'bounced', '', %(now)s
FROM generate_series(1, %(cases)s / 100) n;

-- What people changed: of a year in which each case is one of a hundred changes' reasons.
INSERT INTO auditlog_logentry (
    content_type_id, object_pk, object_id, object_repr, action, changes, changes_text,
    "timestamp", additional_data, actor_email
)
SELECT
    (SELECT id FROM django_content_type WHERE app_label = 'recovery' AND model = 'merchant'),
    %(merchant)s::text, %(merchant)s, %(name)s, 1, '{"name": ["a", "b"]}', '', %(now)s,
    jsonb_build_object('merchant', %(merchant)s), 'owner@example.com'
FROM generate_series(1, greatest(1, %(cases)s / 10))
