;; A text of 100 MB that is there.
(func $act (result i32)
  (drop (memory.grow (i32.const 1600)))
  (call $deny @"too-long" (i32.const 131072) (i32.const 100000000)))
