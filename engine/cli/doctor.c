#include "engine/cli/cli.h"
#include "engine/cli/commands.h"
const struct option_row doctor_options[DOCTOR_OPTION_COUNT] = {
    [DOCTOR_SERVER] = {"--server", OPTION_TEXT, "URL", "x"},
    [DOCTOR_TOKEN] = {"--token", OPTION_TEXT, "T", "x"},
    [DOCTOR_CA_CHECKSUM] = {"--ca-checksum", OPTION_TEXT, "H", "x"},
    [DOCTOR_FORMAT] = {"--format", OPTION_TEXT, "H", "x"},
};
int command_doctor(struct shell *sh) { (void)sh; return 2; }
