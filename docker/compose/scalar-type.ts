/**
 * Which plain scalars are no texts. Compose 2 reads YAML by go-yaml, where `22:22`, `yes` and `on` are texts; compose 1
 * by PyYAML, where 22:22 is a number to base 60 (YAML 1.1) and `no` is false.
 */
import type { ComposeScalar } from './compose-node.js';

/** 1: docker-compose, in Python. 2: docker compose, the engine's plugin, whatever its number. */
export type ComposeGeneration = 1 | 2;

type Typed = Pick<ComposeScalar, 'type' | 'text'>;

const NULLS: readonly string[] = ['', '~', 'null', 'Null', 'NULL'];
const BOOLEAN = /^(?:true|True|TRUE|false|False|FALSE)$/;
/** PyYAML's. */
const BOOLEAN_1_1 = /^(?:yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF)$/;
const DECIMAL = /^[-+]?(?:0|[1-9][\d_]*)$/;
const OCTAL = /^[-+]?0o?[0-7_]+$/;
const HEXADECIMAL = /^[-+]?0x[\da-fA-F_]+$/;
const BINARY = /^[-+]?0b[01_]+$/;
const SEXAGESIMAL = /^[-+]?[1-9][\d_]*(?::[0-5]?\d)+$/;
const FLOAT = /^[-+]?(?:\.\d+|\d[\d_]*(?:\.[\d_]*)?)(?:[eE][-+]?\d+)?$|^[-+]?\.(?:inf|Inf|INF)$|^\.(?:nan|NaN|NAN)$/;

/** What the plain scalar TEXT is. */
export function plainScalar(text: string, generation: ComposeGeneration): Typed {
  if (NULLS.includes(text)) return { type: 'null', text };
  if ((generation === 1 ? BOOLEAN_1_1 : BOOLEAN).test(text)) return { type: 'boolean', text };
  const integer = integerOf(text, generation);
  if (integer !== undefined) return { type: 'integer', text: integer };
  return { type: FLOAT.test(text) ? 'number' : 'text', text };
}

/** TEXT in decimal; undefined: it is no integer. */
function integerOf(text: string, generation: ComposeGeneration): string | undefined {
  const digits = text.replaceAll('_', '').replace(/^[-+]/, '');
  const sign = text.startsWith('-') ? '-' : '';
  if (DECIMAL.test(text)) return sign + digits;
  // 0o is YAML 1.2's, which PyYAML does not know.
  if (OCTAL.test(text) && !(generation === 1 && digits.startsWith('0o')))
    return sign + BigInt(`0o${digits.replace(/^0o?/, '') || '0'}`).toString();
  if (HEXADECIMAL.test(text) || BINARY.test(text)) return sign + BigInt(digits).toString();
  if (generation === 1 && SEXAGESIMAL.test(text))
    return (
      sign +
      digits
        .split(':')
        .reduce((value, part) => value * 60n + BigInt(part), 0n)
        .toString()
    );
  return undefined;
}
