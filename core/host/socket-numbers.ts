/** What stands for the socket of a packet that has none of those that are described. */

export const NO_SOCKET = -1;
/** That of the kernel's own ICMP messages: nobody's, in the root of all cgroups. */
export const KERNEL_SOCKET = -2;
/** A process of the host sent the packet, but its description does not name the socket. */
export const UNKNOWN_SOCKET = -3;
