/** Types for the parts of buffer-layout 1.2.2 that nfreplay uses; the package has no types of its own. */
declare module 'buffer-layout' {
  export interface Layout<T = number> {
    readonly span: number;
    readonly property?: string;
    decode(bytes: Uint8Array, offset?: number): T;
    encode(value: T, bytes: Uint8Array, offset?: number): number;
  }
  export interface Structure<T> extends Layout<T> {
    readonly fields: readonly Layout<unknown>[];
    /** Bytes from the start of the structure to PROPERTY; undefined if there is no such property. */
    offsetOf(property: string): number | undefined;
  }
  export function u8(property?: string): Layout;
  export function u16be(property?: string): Layout;
  export function u32be(property?: string): Layout;
  export function u16(property?: string): Layout;
  export function u32(property?: string): Layout;
  export function s32be(property?: string): Layout;
  export function blob(length: number, property?: string): Layout<Uint8Array>;
  export function struct<T>(fields: readonly Layout<unknown>[], property?: string): Structure<T>;
}
