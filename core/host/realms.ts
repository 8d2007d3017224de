/** hot: the realms of packets, `from << 16 | to`, as the routes and rules on their way have them (ip-route(8)). */

/** REALMS, completed from OTHERS where they have none (set_class_tag). */
export function withRealms(realms: number, others: number): number {
  if (others === 0) return realms;
  const to = (realms & 0xffff) === 0 ? others & 0xffff : 0;
  const from = realms >>> 16 === 0 ? others & 0xffff0000 : 0;
  return realms | to | from;
}

/** What the ROUTE back to a sender, and the RULE that led to it, say of its packet (fib_combine_itag). */
export function reversedRealms(route: number, rule: number): number {
  const from = route << 16;
  return (from === 0 ? rule << 16 : from) | (rule >>> 16);
}
