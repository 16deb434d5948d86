;; A text of 100 MB that is not there.
(func $act (result i32) (call $deny @"too-long" (i32.const 1024) (i32.const 100000000)))
