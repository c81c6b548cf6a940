/*
 * legacy.c - quiets the devices of the first PC: interrupt controllers, interval timer, real-time clock.
 *
 * Their lines are masked, but an emulator that skips idle time goes from one of their events to the next: with
 * nothing else to wait for, the clock would leap by a day to the real-time clock's alarm.
 *
 * Entry point: legacy_silence(). Concurrency: once, at boot.
 */
#include "arch/x86/legacy.h"
#include "arch/x86/ports.h"

#define PIC_MASTER 0x20
#define PIC_SLAVE 0xa0
#define PIC_VECTOR_MASTER 0xf0 /* nothing else uses 0xf0-0xfe: should they speak up, it is harmless */
#define PIC_VECTOR_SLAVE 0xf8
#define PIC_CASCADE 2
#define PIC_INITIALISE 0x11 /* three more words follow */
#define PIC_8086_MODE 1

#define PIT_CHANNEL_0 0x40
#define PIT_CONTROL 0x43
#define PIT_ONCE 0x30 /* channel 0, both bytes of the count, mode 0 */

/* MC146818A. The index port's top bit would mask NMIs. */
#define RTC_INDEX 0x70
#define RTC_DATA 0x71
#define RTC_ALARM_SECONDS 1
#define RTC_ALARM_MINUTES 3
#define RTC_ALARM_HOURS 5
#define RTC_ALARM_ANY 0xff
#define RTC_CONTROL 0x0b
#define RTC_INTERRUPTS 0x70 /* periodic, alarm, update */

/* Initialised once more, since the firmware's vectors are those of exceptions, then masked. */
static void silence_pics(void)
{
    port_write8(PIC_MASTER, PIC_INITIALISE);
    port_write8(PIC_SLAVE, PIC_INITIALISE);
    port_write8(PIC_MASTER + 1, PIC_VECTOR_MASTER);
    port_write8(PIC_SLAVE + 1, PIC_VECTOR_SLAVE);
    port_write8(PIC_MASTER + 1, 1 << PIC_CASCADE);
    port_write8(PIC_SLAVE + 1, PIC_CASCADE);
    port_write8(PIC_MASTER + 1, PIC_8086_MODE);
    port_write8(PIC_SLAVE + 1, PIC_8086_MODE);
    port_write8(PIC_MASTER + 1, 0xff);
    port_write8(PIC_SLAVE + 1, 0xff);
}

/* It counts down once more, 55 ms, and then rests. */
static void stop_pit(void)
{
    port_write8(PIT_CONTROL, PIT_ONCE);
    port_write8(PIT_CHANNEL_0, 0);
    port_write8(PIT_CHANNEL_0, 0);
}

static void rtc_write(uint8_t index, uint8_t value)
{
    port_write8(RTC_INDEX, index);
    port_write8(RTC_DATA, value);
}

/*
 * No interrupts; and an alarm that is due with the next second sets its flag, which nobody clears, and so is over as
 * well.
 */
static void settle_rtc(void)
{
    port_write8(RTC_INDEX, RTC_CONTROL);
    uint8_t control = port_read8(RTC_DATA);

    rtc_write(RTC_CONTROL, control & ~RTC_INTERRUPTS);
    rtc_write(RTC_ALARM_SECONDS, RTC_ALARM_ANY);
    rtc_write(RTC_ALARM_MINUTES, RTC_ALARM_ANY);
    rtc_write(RTC_ALARM_HOURS, RTC_ALARM_ANY);
}

void legacy_silence(void)
{
    silence_pics();
    stop_pit();
    settle_rtc();
}
