#include "classbench_text.h"

#define PREFIX "%u.%u.%u.%u/%u"
#define PREFIX_OF(p)                                                                               \
    (p).address >> 24, (p).address >> 16 & 255, (p).address >> 8 & 255, (p).address & 255,         \
        (p).length

static bool all_ports(struct classbench_ports ports)
{
    return ports.low == 0 && ports.high == UINT16_MAX;
}

void classbench_write_rule(FILE *file, const struct classbench_rule *rule)
{
    fprintf(file, "@" PREFIX "\t" PREFIX "\t%u : %u\t%u : %u\t0x%02x/0x%02X\n",
            PREFIX_OF(rule->source), PREFIX_OF(rule->destination), rule->source_ports.low,
            rule->source_ports.high, rule->destination_ports.low, rule->destination_ports.high,
            rule->protocol, rule->any_protocol ? 0 : 0xff);
}

static void write_ports(FILE *file, const char *before, struct classbench_ports ports)
{
    if (all_ports(ports))
        return;
    fprintf(file, "%s %u", before, ports.low);
    if (ports.high != ports.low)
        fprintf(file, "-%u", ports.high);
}

void classbench_write_nft(FILE *file, const struct classbench_rule *rule)
{
    const char *name = rule->protocol == 6 ? "tcp" : "udp";
    char source[16], destination[16];
    snprintf(source, sizeof source, " %s sport", name);
    snprintf(destination, sizeof destination, " %s dport", name);
    if (rule->source.length != 0)
        fprintf(file, " ip saddr " PREFIX, PREFIX_OF(rule->source));
    if (rule->destination.length != 0)
        fprintf(file, " ip daddr " PREFIX, PREFIX_OF(rule->destination));
    if (!rule->any_protocol)
        fprintf(file, " ip protocol %u", rule->protocol);
    write_ports(file, source, rule->source_ports);
    write_ports(file, destination, rule->destination_ports);
}

void classbench_write_policy(FILE *file, const struct classbench_rule *rule)
{
    if (!rule->any_protocol)
        fprintf(file, " proto %u", rule->protocol);
    if (rule->source.length != 0)
        fprintf(file, " from " PREFIX, PREFIX_OF(rule->source));
    if (rule->destination.length != 0)
        fprintf(file, " to " PREFIX, PREFIX_OF(rule->destination));
    write_ports(file, " local-port", rule->source_ports);
    write_ports(file, " remote-port", rule->destination_ports);
}

void classbench_write_header(FILE *file, const struct classbench_header *header)
{
    fprintf(file, "%u\t%u\t%u\t%u\t%u", header->source, header->destination, header->source_port,
            header->destination_port, header->protocol);
}
