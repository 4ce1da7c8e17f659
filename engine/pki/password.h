/* password: bcrypt hashes ("$2a$10$..."), with salt given by the caller. Costs milliseconds to seconds: in the real
 * world it belongs into world work, not on the loop. A password has 1 to 72 bytes, none of them NUL. */
#ifndef PADDOCK_ENGINE_PKI_PASSWORD_H
#define PADDOCK_ENGINE_PKI_PASSWORD_H

#include "engine/pki/pki.h"

#define PKI_PASSWORD_BYTES_MAX  72u
#define PKI_PASSWORD_SALT_BYTES 16u
#define PKI_PASSWORD_COST_MIN   4u
#define PKI_PASSWORD_COST_MAX                                                                      \
    15u /* beyond, one check would take seconds; such hashes verify as false */

struct err *pki_password_make(struct str password, unsigned cost,
                              const unsigned char salt[PKI_PASSWORD_SALT_BYTES],
                              struct buf *out) must_check;
bool pki_password_verify(struct str password,
                         struct str hash); /* false also for what is no bcrypt hash */

#endif
