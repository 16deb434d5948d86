;; Appended to every component of this folder, which are fragments in a small shorthand (see ../kit.rs):
;; `@"text"` is a text's address and length, `{NAME}` a parameter, and names of interfaces lack `stockade:policy/` and version.
;;
;; Memory is fresh and zeroed for every call, so an answer of zeros is an `ok` without notes.
;; Answer of a judging hook: 0 is it a denial;  ok:     4 warnings, 12 annotations
;;                                              denial: 4 code, 12 message, 20 field, 32 retryable, 36 warnings, 44 annotations
;; Answer of a lifecycle hook: 0 labels, 8 annotations.
(memory (export "memory") 2)
(global $free (mut i32) (i32.const 65536))

(func $take (param $bytes i32) (result i32)
  (local $at i32)
  (local.set $at (i32.and (i32.add (global.get $free) (i32.const 7)) (i32.const -8)))
  (global.set $free (i32.add (local.get $at) (local.get $bytes)))
  (local.get $at))

;; Nothing is ever made larger: a list of the host comes in one piece.
(func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (call $take (local.get 3)))

(func $allow (result i32) (call $take (i32.const 56)))

(func $deny (param $code i32) (param $code_bytes i32) (param $message i32) (param $message_bytes i32) (result i32)
  (local $answer i32)
  (local.set $answer (call $allow))
  (i32.store8 (local.get $answer) (i32.const 1))
  (i32.store offset=4 (local.get $answer) (local.get $code))
  (i32.store offset=8 (local.get $answer) (local.get $code_bytes))
  (i32.store offset=12 (local.get $answer) (local.get $message))
  (i32.store offset=16 (local.get $answer) (local.get $message_bytes))
  (local.get $answer))

;; The place of a list's next entry, up to eight of them; the list itself stands at `list`.
(func $entry (param $list i32) (param $bytes i32) (result i32)
  (local $count i32)
  (local.set $count (i32.load offset=4 (local.get $list)))
  (if (i32.eqz (local.get $count))
    (then (i32.store (local.get $list) (call $take (i32.mul (local.get $bytes) (i32.const 8))))))
  (i32.store offset=4 (local.get $list) (i32.add (local.get $count) (i32.const 1)))
  (i32.add (i32.load (local.get $list)) (i32.mul (local.get $bytes) (local.get $count))))

(func $text (param $list i32) (param $text i32) (param $bytes i32)
  (local $entry i32)
  (local.set $entry (call $entry (local.get $list) (i32.const 8)))
  (i32.store (local.get $entry) (local.get $text))
  (i32.store offset=4 (local.get $entry) (local.get $bytes)))

(func $pair (param $list i32) (param $key i32) (param $key_bytes i32) (param $value i32) (param $value_bytes i32)
  (local $entry i32)
  (local.set $entry (call $entry (local.get $list) (i32.const 16)))
  (i32.store (local.get $entry) (local.get $key))
  (i32.store offset=4 (local.get $entry) (local.get $key_bytes))
  (i32.store offset=8 (local.get $entry) (local.get $value))
  (i32.store offset=12 (local.get $entry) (local.get $value_bytes)))

;; A `result` without a value as a text: `ok`, or the number of its error, 0 to 9.
(func $told (param $list i32) (param $key i32) (param $key_bytes i32) (param $result i32)
  (local $digit i32)
  (local.set $digit (call $take (i32.const 1)))
  (i32.store8 (local.get $digit) (i32.add (i32.const 48) (i32.load8_u offset=1 (local.get $result))))
  (if (i32.load8_u (local.get $result))
    (then (call $pair (local.get $list) (local.get $key) (local.get $key_bytes) (local.get $digit) (i32.const 1)))
    (else (call $pair (local.get $list) (local.get $key) (local.get $key_bytes) @"ok"))))
