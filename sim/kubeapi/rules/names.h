/* names: the forms that names, keys and addresses in objects have, and what the API says of one that has not.
 *
 * names_problems gives every complaint about a text, as constants, in the order in which the API tells them. */
#ifndef PADDOCK_SIM_KUBEAPI_RULES_NAMES_H
#define PADDOCK_SIM_KUBEAPI_RULES_NAMES_H

#include "engine/base/arena.h"
#include "engine/base/str.h"

#define NAMES_PROBLEMS_MAX 6u

enum name_form {
    NAME_SUBDOMAIN,   /* DNS-1123 subdomain, 253 */
    NAME_LABEL,       /* DNS-1123 label, 63 */
    NAME_1035,        /* DNS-1035 label, 63 */
    NAME_SEGMENT,     /* one part of a path */
    NAME_QUALIFIED,   /* "example.com/Name": keys of labels and annotations */
    NAME_LABEL_VALUE, /* or empty */
    NAME_PORT,        /* IANA service name, 15 */
    NAME_CONFIG_KEY,
    NAME_ENV,
    NAME_IP,
    NAME_CIDR,
    NAME_DOMAIN2,  /* at least two segments */
    NAME_DOMAIN3,  /* at least three */
    NAME_PREFIXED, /* "example.com/path" */
    NAME_WILDCARD, /* "*.example.com" */
    NAME_PERCENT,  /* "25%" */
    NAME_CRON_JOB, /* subdomain of at most 52 */
    NAME_HEADER,   /* of HTTP */
    NAME_SYSCTL,   /* of the kernel: "net.ipv4.ip_forward" */
};

/* 0: the text has the form. */
size_t names_problems(enum name_form form, struct str s, const char *out[NAMES_PROBLEMS_MAX]);
bool names_fit(enum name_form form, struct str s);
/* An address in the usual text: 4 or 6; 0: none. */
int names_ip_family(struct str s);
/* The 16 bytes of an address (IPv4 in the last four, behind ::ffff). False: none. */
bool names_ip_parse(struct str s, unsigned char out[16]);
/* The one text of an address: IPv6 in lower case, its longest run of zeros left out. */
struct str names_ip_text(struct arena *a, const unsigned char ip[16]);
/* Where the prefix length of a CIDR says it is; false: none. */
bool names_cidr_parse(struct str s, unsigned char out[16], unsigned *bits);

#endif
