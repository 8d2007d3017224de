/** Names of lists that the kernel shows as files in /proc/net. */

/** Why the kernel refuses NAME (xt_check_proc_name); undefined if it does not. */
export function refuseProcName(name: string): string | undefined {
  if (name === '') return 'the name is empty';
  if (name === '.' || name === '..') return `the kernel makes a file of the name, which cannot be "${name}"`;
  return name.includes('/') ? `the kernel makes a file of the name "${name}", so it cannot contain a slash` : undefined;
}
