/* paddock-sim: the program. What it does is in sim/cli. */
#include "sim/cli/cli.h"

int main(int argc, char *argv[])
{
    return cli_main(argc, argv);
}
