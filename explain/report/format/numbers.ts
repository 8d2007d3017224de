/** Numbers as reports write them. */

const GROUPED = new Intl.NumberFormat('en', { maximumFractionDigits: 9 });

/** 1234567 as `1,234,567`. */
export function grouped(value: number): string {
  return GROUPED.format(value);
}

/** `1 packet`, `1,234 packets`. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${grouped(count)} ${count === 1 ? one : many}`;
}
