import com.android.apksig.ApkVerifier;
import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * What apksig says of many APKs, in one JVM: `Verdicts LIST`, a file that names one APK a line. Prints a line for each, in
 * order: name, "verified" or "rejected" or the name of an exception, and the issues that are errors, comma separated.
 */
public final class Verdicts {
    public static void main(String[] arguments) throws Exception {
        ExecutorService pool = Executors.newFixedThreadPool(Runtime.getRuntime().availableProcessors());
        List<Future<String>> lines = new ArrayList<>();
        for (String path : Files.readAllLines(Path.of(arguments[0]))) {
            lines.add(pool.submit(() -> path + "\t" + verdict(new File(path))));
        }
        for (Future<String> line : lines) {
            System.out.println(line.get());
        }
        pool.shutdown();
    }

    private static String verdict(File file) {
        try {
            ApkVerifier.Result result = new ApkVerifier.Builder(file).build().verify();
            TreeSet<String> issues = new TreeSet<>();
            result.getErrors().forEach(issue -> issues.add(issue.getIssue().name()));
            result.getV1SchemeSigners().forEach(signer -> add(issues, signer.getErrors()));
            result.getV1SchemeIgnoredSigners().forEach(signer -> add(issues, signer.getErrors()));
            result.getV2SchemeSigners().forEach(signer -> add(issues, signer.getErrors()));
            result.getV3SchemeSigners().forEach(signer -> add(issues, signer.getErrors()));
            return (result.isVerified() ? "verified" : "rejected") + "\t" + String.join(",", issues);
        } catch (Throwable thrown) {
            return thrown.getClass().getSimpleName() + "\t" + String.valueOf(thrown.getMessage()).replaceAll("\\s+", " ");
        }
    }

    private static void add(TreeSet<String> issues, List<ApkVerifier.IssueWithParams> errors) {
        errors.forEach(issue -> issues.add(issue.getIssue().name()));
    }
}
