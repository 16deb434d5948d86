;; A hook of the right name that answers with a number.
(func (export "validation#validate") (result i32) (i32.const 0))
