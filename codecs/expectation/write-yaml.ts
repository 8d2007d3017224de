/** Texts in YAML: without quotes where they mean the same without. */

/** What the core schema of YAML 1.2, or 1.1, may read as a number, a time, a truth value or nothing. */
const NOT_A_TEXT =
  /^(?:~|null|true|false|yes|no|on|off|y|n|[-+]?\.(?:inf|nan)|[-+.\d][-+.\d_:a-fxo]*|\d{4}-\d\d?-.*)$/i;
/** It looks like a number at most to people. */
const IPV4 = /^\d{1,3}(?:\.\d{1,3}){3}$/;
/** Letters, digits, and signs that begin nothing in YAML. */
const PLAIN_START = /^[\p{L}\p{N}_/$+(~;^\\]/u;
const PLAIN_BREAK = /: |:$| #|[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\ufffe\uffff]|^[ \t]|[ \t]$/u;
const FLOW_BREAK = /[,[\]{}]/;
const NEEDS_ESCAPE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\ufffe\uffff]/u;
const ALL_ESCAPED = new RegExp(NEEDS_ESCAPE, 'gu');

/** TEXT in YAML. QUOTE: how it was quoted before. IS_IN_FLOW: it is between brackets. */
export function yamlText(text: string, isInFlow: boolean, quote?: '"' | "'"): string {
  if (quote === undefined && isPlain(text, isInFlow)) return text;
  if (quote === "'" || (quote === undefined && text.includes('"')))
    if (!NEEDS_ESCAPE.test(text)) return `'${text.replaceAll("'", "''")}'`;
  // JSON escapes all control characters below U+0020, and lone surrogates.
  return JSON.stringify(text).replace(ALL_ESCAPED, escaped);
}

function escaped(char: string): string {
  const units = Array.from({ length: char.length }, (_, i) => char.charCodeAt(i).toString(16).padStart(4, '0'));
  return units.map((unit) => `\\u${unit}`).join('');
}

function isPlain(text: string, isInFlow: boolean): boolean {
  return (
    PLAIN_START.test(text) &&
    (!NOT_A_TEXT.test(text) || IPV4.test(text)) &&
    !PLAIN_BREAK.test(text) &&
    !(isInFlow && FLOW_BREAK.test(text))
  );
}
