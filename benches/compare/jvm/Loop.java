import com.android.apksig.ApkVerifier;
import java.io.BufferedReader;
import java.io.File;
import java.io.InputStreamReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * Verifies APKs with apksig in one warm JVM: `Loop THREADS`. For each line of standard input, which names a file that lists
 * APKs, one a line, verifies them all and prints the nanoseconds that took, or a line that begins with "failed".
 */
public final class Loop {
    public static void main(String[] arguments) throws Exception {
        ExecutorService pool = Executors.newFixedThreadPool(Integer.parseInt(arguments[0]));
        BufferedReader lists = new BufferedReader(new InputStreamReader(System.in));
        for (String list = lists.readLine(); list != null; list = lists.readLine()) {
            List<String> paths = Files.readAllLines(Path.of(list));
            long start = System.nanoTime();
            List<Future<Boolean>> results = new ArrayList<>();
            for (String path : paths) {
                results.add(pool.submit(() -> new ApkVerifier.Builder(new File(path)).build().verify().isVerified()));
            }
            String failed = null;
            for (int index = 0; index < results.size(); index++) {
                if (!results.get(index).get()) {
                    failed = paths.get(index);
                }
            }
            System.out.println(failed == null ? Long.toString(System.nanoTime() - start) : "failed: " + failed);
        }
        pool.shutdown();
    }
}
