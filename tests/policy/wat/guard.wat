;; No mail.
(func (export "connection#connect") (param i32 i32 i32) (result i32)
  (if (i32.eq (local.get 2) (i32.const 25)) (then (return (call $deny @"no-mail" @"port 25 is closed to jobs"))))
  (call $allow))
