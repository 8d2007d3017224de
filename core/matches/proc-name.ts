/** Names of lists that the kernel shows as files in /proc/net. */

/** NAME as it fits into BYTES with the zero behind it: iptables cuts what is longer. */
export function cutName(name: string, bytes: number): string {
  const encoded = new TextEncoder().encode(name);
  return encoded.length < bytes ? name : new TextDecoder().decode(encoded.subarray(0, bytes - 1));
}

/** Why the kernel refuses NAME (xt_check_proc_name); undefined if it does not. */
export function refuseProcName(name: string): string | undefined {
  if (name === '') return 'the name is empty';
  if (name === '.' || name === '..') return `the kernel makes a file of the name, which cannot be "${name}"`;
  return name.includes('/') ? `the kernel makes a file of the name "${name}", so it cannot contain a slash` : undefined;
}
