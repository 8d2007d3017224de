// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this regex finds
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/g;

/** TEXT made safe for a terminal: control characters, which rule comments may contain, become `\xNN`. */
export function printable(text: string): string {
  return text.replace(CONTROL, (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`);
}
