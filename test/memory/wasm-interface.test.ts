import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { EXPORT_ARITIES, IMPORT_ARITIES } from '../../core/wasm-interface.js';

const WasmInterface = suite('wasm interface');

const TYPE_SECTION = 1;
const IMPORT_SECTION = 2;
const FUNCTION_SECTION = 3;
const EXPORT_SECTION = 7;
const FUNCTION_KIND = 0;
const MEMORY_KIND = 2;
const FUNCTION_TYPE = 0x60;

/** The number of parameters of each function that a WebAssembly module exports, or imports from the module HOST. */
class ModuleReader {
  readonly exports: Record<string, number> = {};
  readonly imports: Record<string, number> = {};
  readonly #bytes: Uint8Array;
  #at = 8;
  /** The number of parameters of each type, and the type of each function. */
  readonly #parameters: number[] = [];
  readonly #functions: number[] = [];

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    while (this.#at < bytes.length) {
      const section = this.#number();
      const end = this.#number() + this.#at;
      if (section === TYPE_SECTION) this.#each(() => this.#readType());
      if (section === IMPORT_SECTION) this.#each(() => this.#readImport());
      if (section === FUNCTION_SECTION) this.#each(() => this.#functions.push(this.#number()));
      if (section === EXPORT_SECTION) this.#each(() => this.#readExport());
      this.#at = end;
    }
  }

  #each(read: () => void): void {
    for (let left = this.#number(); left > 0; left--) read();
  }

  #readType(): void {
    assert.is(this.#number(), FUNCTION_TYPE);
    const parameters = this.#number();
    this.#at += parameters;
    const results = this.#number();
    this.#at += results;
    this.#parameters.push(parameters);
  }

  #readImport(): void {
    this.#name();
    const name = this.#name();
    const kind = this.#number();
    if (kind === FUNCTION_KIND) {
      const type = this.#number();
      this.#functions.push(type);
      this.imports[name] = this.#parameters[type];
    } else {
      assert.is(kind, MEMORY_KIND);
      const hasMaximum = (this.#number() & 1) !== 0;
      this.#number();
      if (hasMaximum) this.#number();
    }
  }

  #readExport(): void {
    const name = this.#name();
    const kind = this.#number();
    const index = this.#number();
    if (kind === FUNCTION_KIND) this.exports[name] = this.#parameters[this.#functions[index]];
  }

  #name(): string {
    const length = this.#number();
    this.#at += length;
    return new TextDecoder().decode(this.#bytes.subarray(this.#at - length, this.#at));
  }

  /** LEB128. */
  #number(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.#bytes[this.#at++];
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  }
}

const compiled = new ModuleReader(readFileSync('dist/wasm/data-plane.wasm'));
const sorted = (arities: object) => Object.entries(arities).sort(([a], [b]) => (a < b ? -1 : 1));

WasmInterface('declares every function that the module exports, with the right number of parameters', () => {
  assert.equal(sorted(EXPORT_ARITIES), sorted(compiled.exports));
});

WasmInterface('declares every function that the module imports, with the right number of parameters', () => {
  assert.equal(sorted(IMPORT_ARITIES), sorted(compiled.imports));
});

WasmInterface.run();
