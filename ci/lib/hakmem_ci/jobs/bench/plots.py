"""Pictures of what was measured, drawn by gnuplot: speed and peak memory of each allocator in each scenario, and resident
memory over time."""
import shutil
import subprocess

from hakmem_ci.jobs.bench import allocators, summary

GNUPLOT = "gnuplot"
# Told apart by everybody; each allocator has the same in all pictures.
COLOURS = ("#d55e00", "#404040", "#0072b2", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#f0e442")
ROW_PIXELS, FRAME_PIXELS, WIDTH_PIXELS = 17, 110, 900
MIB = 1 << 20


class CannotDraw(Exception):
    """There is no gnuplot, or it refuses."""


def is_there():
    return shutil.which(GNUPLOT) is not None


def base_of(names, subject):
    """The allocator that the others are compared with: the C library's, or the first one where that is not measured."""
    return allocators.GLIBC if allocators.GLIBC in names else subject


def quoted(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def speeds(entry, names, subject):
    """allocator -> its operations per processor second as a multiple of the base's; of the rounds' ratios, as the tables
    have them. None where it was not measured, or where that says nothing."""
    ratios = {name: entry["allocators"][name]["cpu_ratio"] for name in names}
    own = {name: 1.0 if name == subject else None if not ratio or summary.is_noise(ratio) else ratio["median"]
           for name, ratio in ratios.items()}
    base = own[base_of(names, subject)]
    return {name: base / ratio if base and ratio else None for name, ratio in own.items()}


def memories(entry, names, subject):
    """allocator -> its peak resident memory as a multiple of the base's, or None."""
    bytes_of = {name: entry["allocators"][name]["peak_resident_bytes"] for name in names}
    base = bytes_of[base_of(names, subject)]
    return {name: value / base if base and value else None for name, value in bytes_of.items()}


def data_block(name, points):
    return "\n".join([f"${name} << EOD", *(" ".join(f"{value:.6g}" for value in point) for point in points), "EOD"])


def head(path, height, title):
    return [f"set terminal svg size {WIDTH_PIXELS},{height} noenhanced background 'white' font 'sans-serif,12'",
            f"set output {quoted(str(path))}", f"set title {quoted(title)}", "set key outside top center horizontal",
            "set tics nomirror"]


def rows_script(path, entries, names, title, of):
    """A row for each scenario, a point in it for each allocator; `of(entry)`: allocator -> value or None."""
    values = [of(entry) for entry in entries]
    labels = ", ".join(f"{quoted(entry['scenario'])} {row}" for row, entry in enumerate(entries))
    blocks = [data_block(f"d{number}", [(row[name], at) for at, row in enumerate(values) if row[name]])
              for number, name in enumerate(names)]
    # One point is enough for gnuplot to draw; without any it would refuse.
    drawn = [(number, name) for number, name in enumerate(names) if any(row[name] for row in values)]
    points = ", ".join(f"$d{number} using 1:2 with points pointtype 7 pointsize {0.8 if number == 0 else 0.5} "
                       f"linecolor rgb '{COLOURS[number % len(COLOURS)]}' title {quoted(name)}" for number, name in reversed(drawn))
    return "\n".join([*head(path, FRAME_PIXELS + ROW_PIXELS * len(entries), title), "set logscale x 2",
                      f"set yrange [{len(entries) - 0.5}:-0.5]", f"set ytics ({labels})",
                      "set grid xtics ytics linetype 1 linecolor rgb '#dddddd'", *blocks, f"plot {points}", ""])


def time_script(path, entry, names):
    """Resident memory from the peak on, a line for each allocator; the moments where something happened are marked."""
    runs = {name: entry["allocators"][name]["rss_over_time"] for name in names}
    blocks, lines = [], []
    for number, name in enumerate(names):
        moments = runs[name]
        if not moments:
            continue
        freed = next((moment["seconds"] for moment in moments if moment["when"] == "freed"), moments[0]["seconds"])
        blocks.append(data_block(f"d{number}", [(moment["seconds"] - freed, moment["bytes"] / MIB) for moment in moments]))
        lines.append(f"$d{number} using 1:2 with linespoints pointtype 7 pointsize 0.4 linewidth {2 if number == 0 else 1} "
                     f"linecolor rgb '{COLOURS[number % len(COLOURS)]}' title {quoted(name)}")
    title = f"{entry['scenario']}: resident MiB; all is freed at 0, the last point is after malloc_trim"
    return "\n".join([*head(path, 400, title), "set xlabel 'seconds since all was freed'", "set yrange [0:]",
                      "set grid linetype 1 linecolor rgb '#dddddd'", *blocks, f"plot {', '.join(reversed(lines))}", ""])


def draw(script):
    """Has gnuplot draw a picture; raises CannotDraw."""
    try:
        done = subprocess.run([GNUPLOT, "-"], input=script, text=True, capture_output=True, check=False)
    except OSError as error:
        raise CannotDraw(f"gnuplot cannot be started: {error.strerror}") from error
    if done.returncode != 0 or done.stderr:
        raise CannotDraw(f"gnuplot refuses: {done.stderr.strip() or done.returncode}")


def write(entries, names, subject, folder):
    """Draws all that there is to draw into `folder`, which is there. Returns title and path of each picture; raises CannotDraw."""
    base = base_of(names, subject)
    rows = [("Operations per processor second", "speed", speeds, "right is better"),
            ("Peak resident memory", "memory", memories, "left is better")]
    pictures = []
    for title, file, values, better in rows:
        if not any(value for entry in entries for name, value in values(entry, names, subject).items() if name != base):
            continue
        path = folder / f"{file}.svg"
        draw(rows_script(path, entries, names, f"{title}, as a multiple of {base}'s: {better}",
                         lambda entry, values=values: values(entry, names, subject)))
        pictures.append((title, path))
    for entry in entries:
        if any(entry["allocators"][name]["rss_over_time"] for name in names):
            path = folder / f"resident-{entry['scenario']}.svg"
            draw(time_script(path, entry, names))
            pictures.append((f"Resident memory over time, {entry['scenario']}", path))
    return pictures
