/* How long a packet's headers are. */
#ifndef OPENWFP_DRIVER_HEADERS_H
#define OPENWFP_DRIVER_HEADERS_H

#include <stdint.h>

/* Of a packet from its IP header on. Both 0: it is malformed. ICMP counts as payload. */
void headers_measure(const uint8_t *bytes, uint32_t size, uint8_t protocol, uint32_t *ip,
                     uint32_t *transport);

#endif
