/** `1 packet`, `2 packets` */
export function count(value: number, unit: string): string {
  return `${formatNumber(value)} ${unit}${value === 1 ? '' : 's'}`;
}

/**
 * VALUE with thousands separators, and one decimal place if it is below ten and not whole. (`toLocaleString` does the
 * same, but its first call takes 20 ms.)
 */
export function formatNumber(value: number): string {
  const rounded = Math.abs(value) < 10 ? Math.round(value * 10) / 10 : Math.round(value);
  const [whole, fraction] = String(rounded).split('.');
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ',');
  return fraction === undefined ? grouped : `${grouped}.${fraction}`;
}
