;; Spins before anything is called.
(func $go (loop $again (br $again)))
(start $go)

(func $act (result i32) (call $allow))
