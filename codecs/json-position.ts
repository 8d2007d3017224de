/** Positions of values in JSON text. Used only for error messages. */

export interface Position {
  /** Both from 1. */
  readonly line: number;
  readonly column: number;
}

/**
 * The position of the value at PATH in TEXT, which is JSON. Paths are as in JavaScript: `addr[0].mtu`, `sysctl["a.b"]`,
 * '' for the whole. If the value is missing, returns the position of the innermost value on the path that exists.
 */
export function locateInJson(text: string, path: string): Position {
  const scanner = new Scanner(text);
  scanner.find(namesIn(path));
  return positionOf(text, scanner.found);
}

/** The names and indexes in PATH. */
export function namesIn(path: string): string[] {
  return [...path.matchAll(/\[("(?:[^"\\]|\\.)*"|\d+)\]|[^.[\]]+/g)].map(([word, bracketed]) =>
    bracketed === undefined ? word : String(JSON.parse(bracketed)),
  );
}

/** The position at which TEXT stops being valid JSON. */
export function locateSyntaxError(text: string): Position {
  const scanner = new Scanner(text);
  scanner.find([]);
  return positionOf(text, scanner.at);
}

function positionOf(text: string, at: number): Position {
  const before = text.slice(0, at);
  return { line: before.split('\n').length, column: at - before.lastIndexOf('\n') };
}

const SPACE = /[ \t\r\n]*/y;
const STRING = /"(?:[ !#-[\]-\uffff]|\\(?:["\\/bfnrt]|u[\da-fA-F]{4}))*"/y;
const OTHER = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;

/**
 * Scans JSON without building values. Open lists and objects are on an explicit stack, so that nesting depth is not
 * limited by the call stack.
 */
class Scanner {
  at = 0;
  /** Where the innermost value on the path starts. */
  found = 0;

  constructor(private readonly text: string) {}

  /** Scans until the text ends or is invalid; `at` is then that position. */
  find(wanted: readonly string[]): void {
    const open: { isList: boolean; key: string; index: number; isOnWay: boolean }[] = [];
    let isOnWay = true;
    this.take(SPACE);
    for (;;) {
      if (isOnWay) this.found = this.at;
      const opening = this.text[this.at];
      if (opening === '[' || opening === '{') {
        this.at++;
        this.take(SPACE);
        const isList = opening === '[';
        if (this.text[this.at] !== (isList ? ']' : '}')) {
          open.push({ isList, key: '0', index: 0, isOnWay });
          if (!isList && !this.takeKey(open[open.length - 1])) return;
          isOnWay = isOnWay && wanted[open.length - 1] === open[open.length - 1].key;
          continue;
        }
        this.at++;
      } else if (!this.take(opening === '"' ? STRING : OTHER)) return;
      this.take(SPACE);
      for (;;) {
        const parent = open[open.length - 1];
        if (parent === undefined) return;
        const next = this.text[this.at];
        if (next === ',') {
          this.at++;
          this.take(SPACE);
          parent.key = String(++parent.index);
          if (!parent.isList && !this.takeKey(parent)) return;
          isOnWay = parent.isOnWay && wanted[open.length - 1] === parent.key;
          break;
        }
        if (next !== (parent.isList ? ']' : '}')) return;
        this.at++;
        this.take(SPACE);
        open.pop();
      }
    }
  }

  private takeKey(parent: { key: string }): boolean {
    const start = this.at;
    if (!this.take(STRING)) return false;
    parent.key = String(JSON.parse(this.text.slice(start, this.at)));
    this.take(SPACE);
    if (this.text[this.at] !== ':') return false;
    this.at++;
    this.take(SPACE);
    return true;
  }

  private take(pattern: RegExp): boolean {
    pattern.lastIndex = this.at;
    if (!pattern.test(this.text)) return false;
    this.at = pattern.lastIndex;
    return true;
  }
}
