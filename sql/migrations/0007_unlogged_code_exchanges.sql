-- Every login writes here twice, for ten seconds' use. A crash may forget it: WeChat itself redeems a code once, so the worst is
-- that a person whose answer was lost in the crash is asked to log in again. Without the log a login waits for one flush, not two.
ALTER TABLE wechat_code_exchanges SET UNLOGGED;
