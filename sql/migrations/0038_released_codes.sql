-- A code that WeChat did not consume is released: whoever waits for it reads the refusal that the first one got, and the next
-- one who hands it in takes it anew.
ALTER TABLE wechat_code_exchanges DROP CONSTRAINT wechat_code_exchanges_state_check;
ALTER TABLE wechat_code_exchanges ADD CONSTRAINT wechat_code_exchanges_state_check
  CHECK (state IN ('begun', 'done', 'released'));
