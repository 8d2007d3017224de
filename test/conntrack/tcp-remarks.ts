/**
 * What Linux 6.18 logged about the last segments of the lines in tcp-stories.ts, with nf_conntrack_log_invalid=255
 * (without `nf_ct_proto_6: ` and the packet's fields). About all other lines it said nothing. A line that begins with
 * `;` goes on with the line before.
 */
export const TCP_REMARKS = `
# every segment as the first
or > SA seq=100 ack=500 => invalid new
or > FA seq=100 ack=500 => invalid new
or > R seq=100 => invalid new
or > RA seq=100 ack=500 => invalid new
or > 0 seq=100 => invalid tcp flag combination

# every segment as the first, where connections are not picked up
or > SA seq=100 ack=500 => invalid new
or > FA seq=100 ack=500 => invalid new
or > R seq=100 => invalid new
or > RA seq=100 ack=500 => invalid new
or > 0 seq=100 => invalid tcp flag combination

# every segment in SYN_SENT
or > SA seq=101 ack=0 => packet (index 1) in dir 0 invalid, state SYN_SENT
or > FA seq=101 ack=0 => packet (index 2) in dir 0 invalid, state SYN_SENT
or > A seq=101 ack=0 => packet (index 3) in dir 0 invalid, state SYN_SENT
or > 0 seq=101 => invalid tcp flag combination
or < FA seq=5000 ack=101 => packet (index 2) in dir 1 invalid, state SYN_SENT
or < A seq=5000 ack=101 => packet (index 3) in dir 1 ignored, state SYN_SENT
or < 0 seq=5000 => invalid tcp flag combination

# every segment in SYN_RECV
or > S seq=101 => packet (index 0) in dir 0 ignored, state SYN_RECV
or > 0 seq=101 => invalid tcp flag combination
or < S seq=5001 => packet (index 0) in dir 1 invalid, state SYN_RECV
or < SA seq=5001 ack=101 => packet (index 1) in dir 1 ignored, state SYN_RECV
or < 0 seq=5001 => invalid tcp flag combination

# every segment in ESTABLISHED
or > S seq=101 => packet (index 0) in dir 0 ignored, state ESTABLISHED
or > SA seq=101 ack=5001 => packet (index 1) in dir 0 invalid, state ESTABLISHED
or > 0 seq=101 => invalid tcp flag combination
or < S seq=5001 => packet (index 0) in dir 1 invalid, state ESTABLISHED
or < SA seq=5001 ack=101 => packet (index 1) in dir 1 ignored, state ESTABLISHED
or < 0 seq=5001 => invalid tcp flag combination

# every segment in FIN_WAIT
or > S seq=102 => packet (index 0) in dir 0 ignored, state FIN_WAIT
or > SA seq=102 ack=5001 => packet (index 1) in dir 0 invalid, state FIN_WAIT
or > 0 seq=102 => invalid tcp flag combination
or < S seq=5001 => packet (index 0) in dir 1 invalid, state FIN_WAIT
or < SA seq=5001 ack=102 => packet (index 1) in dir 1 ignored, state FIN_WAIT
or < 0 seq=5001 => invalid tcp flag combination

# every segment in CLOSE_WAIT
or > S seq=102 => packet (index 0) in dir 0 ignored, state CLOSE_WAIT
or > SA seq=102 ack=5001 => packet (index 1) in dir 0 invalid, state CLOSE_WAIT
or > 0 seq=102 => invalid tcp flag combination
or < S seq=5001 => packet (index 0) in dir 1 invalid, state CLOSE_WAIT
or < SA seq=5001 ack=102 => packet (index 1) in dir 1 ignored, state CLOSE_WAIT
or < 0 seq=5001 => invalid tcp flag combination

# every segment in LAST_ACK
or > S seq=102 => packet (index 0) in dir 0 ignored, state LAST_ACK
or > SA seq=102 ack=5002 => packet (index 1) in dir 0 invalid, state LAST_ACK
or > 0 seq=102 => invalid tcp flag combination
or < S seq=5002 => packet (index 0) in dir 1 invalid, state LAST_ACK
or < SA seq=5002 ack=102 => packet (index 1) in dir 1 ignored, state LAST_ACK
or < 0 seq=5002 => invalid tcp flag combination

# every segment in TIME_WAIT
or > SA seq=102 ack=5002 => packet (index 1) in dir 0 invalid, state TIME_WAIT
or > 0 seq=102 => invalid tcp flag combination
or < SA seq=5002 ack=102 => packet (index 1) in dir 1 ignored, state TIME_WAIT
or < 0 seq=5002 => invalid tcp flag combination

# every segment in CLOSE, after the opener reset
or > SA seq=101 ack=5001 => packet (index 1) in dir 0 invalid, state CLOSE
or > 0 seq=101 => invalid tcp flag combination
or < S seq=5001 => packet (index 0) in dir 1 invalid, state CLOSE
or < SA seq=5001 ack=101 => packet (index 1) in dir 1 ignored, state CLOSE
or < 0 seq=5001 => invalid tcp flag combination

# every segment in CLOSE, after the other side reset
or > S seq=101 => packet (index 0) in dir 0 ignored, state CLOSE
or > SA seq=101 ack=5001 => packet (index 1) in dir 0 invalid, state CLOSE
or > 0 seq=101 => invalid tcp flag combination
or < S seq=5001 => packet (index 0) in dir 1 invalid, state CLOSE
or < SA seq=5001 ack=101 => packet (index 1) in dir 1 ignored, state CLOSE
or < 0 seq=5001 => invalid tcp flag combination

# every segment in SYN_SENT2
or > FA seq=101 ack=5001 => packet (index 2) in dir 0 invalid, state SYN_SENT2
or > A seq=101 ack=5001 => packet (index 3) in dir 0 invalid, state SYN_SENT2
or > 0 seq=101 => invalid tcp flag combination
or < FA seq=5001 ack=101 => packet (index 2) in dir 1 invalid, state SYN_SENT2
or < A seq=5001 ack=101 => packet (index 3) in dir 1 ignored, state SYN_SENT2
or < 0 seq=5001 => invalid tcp flag combination

# a simultaneous open
< SA seq=5000 ack=101 => packet (index 1) in dir 1 ignored, state SYN_RECV

# flags that nobody sends together
or > F seq=101 ack=5001 => invalid tcp flag combination
or > FP seq=101 ack=5001 => invalid tcp flag combination
or > SF seq=101 ack=5001 => invalid tcp flag combination
or > SR seq=101 ack=5001 => invalid tcp flag combination
or > SAF seq=101 ack=5001 => invalid tcp flag combination
or > SU seq=101 ack=5001 => packet (index 0) in dir 0 ignored, state ESTABLISHED
or > SAU seq=101 ack=5001 => invalid tcp flag combination
or > SP seq=101 ack=5001 => packet (index 0) in dir 0 ignored, state ESTABLISHED
or > RF seq=101 ack=5001 => invalid tcp flag combination
or > RAU seq=101 ack=5001 => invalid tcp flag combination
or > U seq=101 ack=5001 => invalid tcp flag combination
or > SEC seq=101 ack=5001 => packet (index 0) in dir 0 ignored, state ESTABLISHED
or > SAE seq=101 ack=5001 => packet (index 1) in dir 0 invalid, state ESTABLISHED
or > FSRPAUEC seq=101 ack=5001 => invalid tcp flag combination

# data out of the window, with the largest window 1000
or > A seq=1102 ack=5001 len=0 => 2 bytes more than expected
or > A seq=1102 ack=5001 len=1 => 3 bytes more than expected
or > A seq=2101 ack=5001 len=0 => SEQ is over upper bound 1102 (over the window of the receiver)
or > A seq=2102 ack=5001 len=0 => SEQ is over upper bound 1102 (over the window of the receiver)
or > A seq=1102 ack=5001 len=998 => 1000 bytes more than expected
or > A seq=1102 ack=5001 len=999 => SEQ is over upper bound 1102 (over the window of the receiver)
or > A seq=1102 ack=5001 len=1000 => SEQ is over upper bound 1102 (over the window of the receiver)

# acknowledgments of what was never sent, or long ago
or > A seq=101 ack=5002 => ACK is over upper bound 5002 (ACKed data not seen yet)
or > A seq=101 ack=-61000 => ignored ACK under lower bound 4294906296 (possible overly delayed)
or > A seq=101 ack=-61001 => ignored ACK under lower bound 4294906296 (possible overly delayed)

# scaled windows, where both sides offer it
or > A seq=5102 ack=5001 len=10 => 1012 bytes more than expected

# no scaled windows, where one side does not
or > A seq=4101 ack=5001 len=10 => SEQ is over upper bound 1102 (over the window of the receiver)
or < A seq=129001 ack=101 len=10 => SEQ is over upper bound 6002 (over the window of the receiver)

# the largest scale is 14
or < A seq=1073730442 ack=101 len=1 => 3 bytes more than expected

# SACK blocks acknowledge, where the other side permitted them
or < A seq=5001 ack=101 sack=201-602 => ACK is over upper bound 602 (ACKed data not seen yet)
or < A seq=5001 ack=101 sack=201-301,401-602 => ACK is over upper bound 602 (ACKed data not seen yet)

# a port reused in ESTABLISHED: the SYN/ACK brings us back into step
> S seq=900000 wscale=7 sackok => packet (index 0) in dir 0 ignored, state ESTABLISHED

# a port reused in ESTABLISHED: the other side challenges and is reset
> S seq=900000 => packet (index 0) in dir 0 ignored, state ESTABLISHED

# an ignored SYN that is refused
> S seq=900000 => packet (index 0) in dir 0 ignored, state ESTABLISHED
or < RA seq=0 ack=900002 => ACK is over upper bound 102 (ACKed data not seen yet)
or < RA seq=5001 ack=900002 => ACK is over upper bound 102 (ACKed data not seen yet)

# a challenge ACK in LAST_ACK is not the last ACK
> S seq=900000 => packet (index 0) in dir 0 ignored, state LAST_ACK
< A seq=5002 ack=102 => challenge-ack ignored

# a half-open connection: the answer to a SYN is an ACK, which is reset
< A seq=7777 ack=5555 => packet (index 3) in dir 1 ignored, state SYN_SENT

# a RST must be where the last ACK is, or the connection goes on for a while
or < R seq=5000 => invalid rst
or < R seq=6002 => 2 bytes more than expected
or < R seq=0 => invalid rst

# a RST below the last ACK, where that is ignored
or < R seq=6002 => 2 bytes more than expected
or < R seq=0 => SEQ is under lower bound 4000 (already ACKed data retransmitted)

# a RST out of the window, where we are liberal
or < R seq=5000 => invalid rst
or < R seq=0 => invalid rst

# two ends in vain make a long life short
> FA seq=500000 ack=5001 => SEQ is over upper bound 1112 (over the window of the receiver)
< FA seq=500000 ack=111 => SEQ is over upper bound 6002 (over the window of the receiver)
; packet (index 2, dir 1) response for index 2 lower timeout to 75000

# a closed window may be probed with one byte
or > A seq=1103 ack=5001 => 2 bytes more than expected

# a RST from the side whose SYN was ignored does not answer it
> S seq=900000 => packet (index 0) in dir 0 ignored, state ESTABLISHED
or > RA seq=70000 ack=900001 => SEQ is over upper bound 1102 (over the window of the receiver)

# a port reused after a pickup: the answerer stays free of windows, the opener does not
> S seq=2 => packet (index 0) in dir 0 ignored, state ESTABLISHED
or > A seq=100000 ack=5011 => SEQ is over upper bound 1004 (over the window of the receiver)
`;
