/*
 * monitor.h - the command line on the consoles.
 */
#ifndef CORE_MONITOR_MONITOR_H
#define CORE_MONITOR_MONITOR_H

/*
 * The monitor's thread: executes boot.rc of the boot archive, then what is typed, for ever. Started once, as an urgent
 * thread of the core.
 */
void monitor_main(void *unused);

#endif
