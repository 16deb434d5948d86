;; Bytes that are no text, in one of an answer's places.
(func $act (result i32)
  (local $answer i32)
  (local.set $answer (call {START}))
  (i32.store8 offset=20 (local.get $answer) (i32.const 1))
  (call {PLACE})
  (local.get $answer))

(func $put (param $place i32) (param $text i32) (param $bytes i32)
  (i32.store (local.get $place) (local.get $text))
  (i32.store offset=4 (local.get $place) (local.get $bytes)))
