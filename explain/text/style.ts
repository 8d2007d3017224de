/** Emphasis in text for people. */

/** Where text goes, and how wide that is if it is a terminal. */
export interface TextOutput {
  readonly isTTY: boolean;
  readonly columns?: number | undefined;
}

/** Emphasis on a terminal. */
export interface Style {
  bold(text: string): string;
  dim(text: string): string;
  red(text: string): string;
  green(text: string): string;
  yellow(text: string): string;
}

/** When to use colours: only on a terminal, always, or never. */
export const COLOR_CHOICES = ['auto', 'always', 'never'] as const;
export type ColorChoice = (typeof COLOR_CHOICES)[number];

const same = (text: string) => text;

/** No emphasis. */
export const PLAIN: Style = { bold: same, dim: same, red: same, green: same, yellow: same };

const sgr = (on: number, off: number) => (text: string) => `\x1b[${on}m${text}\x1b[${off}m`;

const COLOURED: Style = {
  bold: sgr(1, 22),
  dim: sgr(2, 22),
  red: sgr(31, 39),
  green: sgr(32, 39),
  yellow: sgr(33, 39),
};

/** The style for STREAM. */
export function styleOf(stream: TextOutput, choice: ColorChoice = 'auto', env: NodeJS.ProcessEnv = process.env): Style {
  const isColoured = choice === 'auto' ? isAutoColoured(stream, env) : choice === 'always';
  return isColoured ? COLOURED : PLAIN;
}

/** FORCE_COLOR wins over NO_COLOR, and 0 and false mean no, as in Node (tty.WriteStream.getColorDepth). */
function isAutoColoured({ isTTY }: TextOutput, env: NodeJS.ProcessEnv): boolean {
  if (env.FORCE_COLOR !== undefined) return env.FORCE_COLOR !== '0' && env.FORCE_COLOR !== 'false';
  return isTTY && !env.NO_COLOR && env.TERM !== 'dumb';
}
