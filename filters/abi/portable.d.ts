// The names that files in filters/abi may use for numbers when TypeScript reads them.
// AssemblyScript has them built in; here every one of them is a plain number.
type u8 = number;
type u16 = number;
type u32 = number;
type i32 = number;
type usize = number;
type f64 = number;
type bool = boolean;
