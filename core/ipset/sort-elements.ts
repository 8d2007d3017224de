/** The order of `-sorted`: by the numbers that the elements start with, read in base 16 (bystrcmp). */

const NUMBER = /[ \t-\r]*([-+]?)(?:0[xX](?=[\da-fA-F]))?([\da-fA-F]+)/y;
/** strtol of 64 bits stops there. */
const MAX_LONG = 2n ** 63n - 1n;

/** Sorts LINES by what follows the first PREFIX characters of each. */
export function sortElements(lines: string[], prefix: number): void {
  lines.sort((a, b) => compare(a, b, prefix));
}

/** A number at AT of TEXT, and where it ends; undefined: there is none. */
function numberAt(text: string, at: number): { value: number | bigint; end: number } | undefined {
  NUMBER.lastIndex = at;
  const found = NUMBER.exec(text);
  if (found === null) return undefined;
  const [, sign, digits] = found;
  if (digits.length <= 13) {
    const value = Number.parseInt(digits, 16);
    return { value: sign === '-' ? -value : value, end: NUMBER.lastIndex };
  }
  const read = BigInt(`0x${digits}`);
  const value = read > MAX_LONG ? MAX_LONG : read;
  return { value: sign === '-' ? -value : value, end: NUMBER.lastIndex };
}

/** The length of the text at AT up to a colon or a comma. */
function nameLength(text: string, at: number): number {
  const found = text.slice(at).search(/[:,]/);
  return found === -1 ? text.length - at : found;
}

function compare(a: string, b: string, prefix: number): number {
  let x = prefix;
  let y = prefix;
  let sign = 1;
  while (x < a.length && y < b.length) {
    const one = numberAt(a, x);
    const other = numberAt(b, y);
    if (one === undefined || other === undefined) {
      const length = nameLength(a, x);
      const otherLength = nameLength(b, y);
      if (length === 0 && otherLength === 0) return compareText(a.slice(x), b.slice(y));
      if (length !== otherLength) return length < otherLength ? -1 : 1;
      const order = compareText(a.slice(x, x + length), b.slice(y, y + length));
      if (order !== 0) return order;
      x += length + 1;
      y += length + 1;
      sign = 1;
      continue;
    }
    if (one.value !== other.value) return sign * (one.value < other.value ? -1 : 1);
    const isNet = a[one.end] === '/';
    if (isNet !== (b[other.end] === '/')) return isNet ? 1 : -1;
    if (isNet) sign = -1;
    x = one.end + 1;
    y = other.end + 1;
    if (a[x] === ':' || b[y] === ':') {
      if (a[x] !== b[y]) return a[x] === ':' ? -1 : 1;
      x++;
      y++;
    }
  }
  return x < a.length ? 1 : y < b.length ? -1 : 0;
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
