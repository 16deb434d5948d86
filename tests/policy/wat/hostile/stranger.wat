;; Wants what no policy has.
(import "{INTERFACE}" "get" (func $get (result i32)))

(func $act (result i32) (drop (call $get)) (call $allow))
