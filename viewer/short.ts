/** Short names for what the code often says; the bundler puts them in its place (tool.mk). */
const {Math: M, Number: N} = globalThis;
export const max_ = M.max;
export const min_ = M.min;
export const round_ = M.round;
export const floor_ = M.floor;
export const ceil_ = M.ceil;
export const abs_ = M.abs;
export const isNaN_ = N.isNaN;
export const isFinite_ = N.isFinite;
export const Number_ = N;
export const Float64Array_ = globalThis.Float64Array;
export const Uint32Array_ = globalThis.Uint32Array;
export const Uint8Array_ = globalThis.Uint8Array;
export const Int32Array_ = globalThis.Int32Array;
