-- What the example overdue_invoices finds in its database. A real one is there already.
DROP TABLE IF EXISTS customers;
DROP TABLE IF EXISTS invoices;
DROP TABLE IF EXISTS opt_outs;
CREATE TABLE customers (customer_id TEXT PRIMARY KEY, name TEXT, phone TEXT);
CREATE TABLE invoices (customer_id TEXT, amount NUMERIC, due_date TEXT, paid_on TEXT);
CREATE TABLE opt_outs (phone TEXT);
INSERT INTO customers VALUES
    ('C-101', 'דנה לוי', '050-000-0001'),
    ('C-102', 'יוסי כהן', '+972500000002'),
    ('C-103', 'מיכל אברהם', '0500000003'),
    ('C-104', 'אבי מזרחי', '0500000004'),
    ('C-105', 'נועה פרץ', '0500000006'),
    ('C-106', 'רון ביטון', '0500000007');
INSERT INTO invoices VALUES
    ('C-101', 120.50, '2026-09-03', NULL),
    ('C-102', 80, '2026-01-12', NULL),
    ('C-102', 19.90, '2026-02-12', NULL),
    ('C-103', 45, '2026-03-01', '2026-02-27'),
    ('C-104', 230, '2026-04-15', NULL),
    ('C-105', 1, '2026-05-10', NULL),
    ('C-106', 64, '2999-12-31', NULL);
INSERT INTO opt_outs VALUES ('+972-50-000-0004');
