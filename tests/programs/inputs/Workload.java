import java.io.ByteArrayOutputStream;
import java.lang.reflect.Proxy;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.zip.Deflater;
import java.util.zip.Inflater;

/** Direct buffers, native compression, mapped files, classes made and dropped, threads that come and go: what it prints
 * depends on its argument alone. */
public class Workload {
  static final int THREADS = 6;

  static String hash(byte[] bytes) throws Exception {
    StringBuilder text = new StringBuilder();
    for (byte b : MessageDigest.getInstance("SHA-256").digest(bytes)) text.append(String.format("%02x", b));
    return text.substring(0, 16);
  }

  static String hash(Object value) throws Exception {
    return hash(value.toString().getBytes(StandardCharsets.UTF_8));
  }

  interface Task {
    Object run(int number) throws Exception;
  }

  /** The results of one task on threads of its own, in order. */
  static List<Object> onThreads(Task task) throws Exception {
    ExecutorService pool = Executors.newFixedThreadPool(THREADS);
    try {
      List<Callable<Object>> calls = new ArrayList<>();
      for (int i = 0; i < THREADS; i++) {
        final int number = i;
        calls.add(() -> task.run(number));
      }
      List<Object> results = new ArrayList<>();
      for (Future<Object> future : pool.invokeAll(calls)) results.add(future.get());
      return results;
    } finally {
      pool.shutdown();
    }
  }

  /** Memory of the C library, given back by the thread that collects. */
  static Object directBuffers(int number, int scale) throws Exception {
    SplittableRandom random = new SplittableRandom(number);
    ByteBuffer[] kept = new ByteBuffer[64];
    long sum = 0;
    for (int i = 0; i < 2500 * scale; i++) {
      int at = random.nextInt(kept.length);
      if (kept[at] != null) {
        for (int k = 0; k < kept[at].capacity(); k += 509) sum = sum * 31 + kept[at].get(k);
      }
      ByteBuffer fresh = ByteBuffer.allocateDirect(1 + random.nextInt(i % 100 == 0 ? 400000 : 8000));
      for (int k = 0; k < fresh.capacity(); k += 7) {
        if (fresh.get(k) != 0) throw new IllegalStateException("a new direct buffer is not zero");
        fresh.put(k, (byte) (i + k));
      }
      kept[at] = fresh;
    }
    return sum;
  }

  static Object compression(int number, int scale) throws Exception {
    SplittableRandom random = new SplittableRandom(100 + number);
    StringBuilder text = new StringBuilder();
    while (text.length() < 60000) text.append(Integer.toString(random.nextInt(5000), 36)).append(' ');
    byte[] plain = text.toString().getBytes(StandardCharsets.UTF_8);
    long total = 0;
    for (int i = 0; i < 20 * scale; i++) {
      Deflater deflater = new Deflater(1 + i % 9);
      deflater.setInput(plain);
      deflater.finish();
      byte[] packed = new byte[plain.length + 100];
      int size = deflater.deflate(packed);
      deflater.end();
      Inflater inflater = new Inflater();
      inflater.setInput(packed, 0, size);
      byte[] again = new byte[plain.length];
      if (inflater.inflate(again) != plain.length || !java.util.Arrays.equals(plain, again)) {
        throw new IllegalStateException("what was compressed is not what it was");
      }
      inflater.end();
      total += size;
    }
    return total;
  }

  static Object files(int number, int scale) throws Exception {
    Path path = Path.of("file" + number);
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.CREATE, StandardOpenOption.READ,
                                                StandardOpenOption.WRITE)) {
      ByteBuffer block = ByteBuffer.allocate(30000);  // the library copies it into native memory
      for (int i = 0; i < 100 * scale; i++) {
        block.clear();
        while (block.remaining() >= 4) block.putInt(i * number + block.position());
        block.flip();
        channel.write(block);
      }
      ByteBuffer mapped = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size());
      long sum = 0;
      while (mapped.remaining() >= 8) sum = sum * 1000003 + mapped.getLong();
      return sum;
    } finally {
      Files.delete(path);
    }
  }

  /** Classes in loaders of their own, compiled by use, dropped again. */
  static Object classes(int number, int scale) throws Exception {
    long sum = 0;
    for (int i = 0; i < 15 * scale; i++) {
      byte[] code;
      try (var stream = Workload.class.getResourceAsStream("Workload$Dropped.class")) {
        code = stream.readAllBytes();
      }
      ClassLoader loader = new ClassLoader(null) {
        @Override
        protected Class<?> findClass(String name) throws ClassNotFoundException {
          if (!name.equals("Workload$Dropped")) throw new ClassNotFoundException(name);
          return defineClass(name, code, 0, code.length);
        }
      };
      Class<?> loaded = loader.loadClass("Workload$Dropped");
      @SuppressWarnings("unchecked")
      Supplier<Long> supplier = (Supplier<Long>) loaded.getConstructor(int.class).newInstance(number * 100 + i);
      for (int k = 0; k < 300; k++) sum += supplier.get();
      Object proxy = Proxy.newProxyInstance(Workload.class.getClassLoader(), new Class<?>[] {Runnable.class, Comparable.class},
                                            (self, method, arguments) -> method.getName().length());
      sum += proxy instanceof Comparable<?> ? 1 : 0;
    }
    return sum;
  }

  public static class Dropped implements Supplier<Long> {
    private final int seed;

    public Dropped(int seed) {
      this.seed = seed;
    }

    @Override
    public Long get() {
      long value = seed;
      for (int i = 0; i < 200; i++) value = value * 6364136223846793005L + 1442695040888963407L;
      return value >>> 40;
    }
  }

  static Object collections(int scale) throws Exception {
    ConcurrentHashMap<String, Integer> counts = new ConcurrentHashMap<>();
    onThreads(number -> {
      SplittableRandom random = new SplittableRandom(number);
      for (int i = 0; i < 60000 * scale; i++) counts.merge(Integer.toString(random.nextInt(20000), 36), 1, Integer::sum);
      return null;
    });
    Map<Character, Integer> letters = new TreeMap<>();
    Pattern vowel = Pattern.compile("([aeiou])(?=[^aeiou])");
    counts.forEach((word, count) -> vowel.matcher(word).results().forEach(
        found -> letters.merge(found.group(1).charAt(0), count, Integer::sum)));
    int[] sorted = IntStream.range(0, 300000 * scale).parallel().map(i -> i * 0x9E3779B9).sorted().toArray();
    return letters + " " + counts.size() + " " + sorted[sorted.length / 2];
  }

  /** Direct buffers made by one thread, read and dropped by another. */
  static Object passedOn(int scale) throws Exception {
    BlockingQueue<ByteBuffer> queue = new ArrayBlockingQueue<>(50);
    Thread producer = new Thread(() -> {
      try {
        for (int i = 1; i <= 3000 * scale; i++) queue.put(ByteBuffer.allocateDirect(i * 37 % 9000 + 8).putInt(0, i));
      } catch (InterruptedException stopped) {
        Thread.currentThread().interrupt();
      }
    });
    producer.start();
    long sum = 0;
    for (int i = 1; i <= 3000 * scale; i++) sum += (long) queue.take().getInt(0) * i;
    producer.join();
    return sum;
  }

  /** Many short threads, each with stacks, arenas and thread-local native memory of its own. */
  static Object shortThreads(int scale) throws Exception {
    Map<Integer, Integer> results = new HashMap<>();
    for (int round = 0; round < 20 * scale; round++) {
      Thread[] threads = new Thread[10];
      for (int i = 0; i < threads.length; i++) {
        final int value = round * 10 + i;
        threads[i] = new Thread(() -> {
          ByteArrayOutputStream stream = new ByteArrayOutputStream();
          for (int k = 0; k < 200; k++) stream.write(value + k);
          ByteBuffer buffer = ByteBuffer.allocateDirect(stream.size()).put(stream.toByteArray());
          synchronized (results) {
            results.put(value, buffer.position() + buffer.get(100));
          }
        });
        threads[i].start();
      }
      for (Thread thread : threads) thread.join();
    }
    return new TreeMap<>(results);
  }

  public static void main(String[] arguments) throws Exception {
    int scale = Integer.parseInt(arguments[0]);
    System.out.println("direct buffers " + onThreads(number -> directBuffers(number, scale)));
    System.out.println("compression " + onThreads(number -> compression(number, scale)));
    System.out.println("files " + onThreads(number -> files(number, scale)));
    System.out.println("classes " + onThreads(number -> classes(number, scale)));
    System.out.println("collections " + collections(scale));
    System.out.println("passed on " + passedOn(scale));
    System.out.println("short threads " + hash(shortThreads(scale)));
    System.gc();
    System.out.println("direct buffers " + onThreads(number -> directBuffers(number + THREADS, scale)));
  }
}
