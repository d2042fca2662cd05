-- What payment providers took back of an order, over all their chargebacks; never more than was paid and not refunded.
ALTER TABLE orders
  ADD COLUMN charged_back BIGINT NOT NULL DEFAULT 0 AFTER refunded_at,
  ADD CHECK (charged_back >= 0),
  ADD CHECK (charged_back + COALESCE(refunded, 0) <= amount);

-- Until now an order had one chargeback, under its own number.
UPDATE orders o JOIN transfers t ON t.id = o.order_no AND t.kind = 'chargeback' SET o.charged_back = -t.amount;
