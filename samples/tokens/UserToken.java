import static java.nio.charset.StandardCharsets.UTF_8;

import java.security.GeneralSecurityException;
import java.time.Instant;
import java.util.Base64;
import java.util.HexFormat;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * Signs a user token on the shop's own server (Java 17 or later, no packages).
 *
 * <pre>VITRINE_KEY=vs_... java UserToken.java USER EXPIRY     the token of a user until a time in seconds since 1970</pre>
 *
 * Sign it when somebody has logged in, and let the page send it as {@code X-Vitrine-User}. The key never leaves the server.
 */
public final class UserToken {
  private UserToken() {}

  /** The token of a user until a time. */
  public static String sign(String serverKey, String user, Instant expiry) throws GeneralSecurityException {
    byte[] key = serverKey.getBytes(UTF_8);
    String keyId = HexFormat.of().formatHex(mac(key, "vitrine user token id")).substring(0, 16);
    byte[] secret = mac(key, "vitrine user token key");
    String signed = "v1." + keyId + "." + base64url(user.getBytes(UTF_8)) + "." + expiry.getEpochSecond();
    return signed + "." + base64url(mac(secret, signed));
  }

  private static byte[] mac(byte[] key, String text) throws GeneralSecurityException {
    Mac mac = Mac.getInstance("HmacSHA256");
    mac.init(new SecretKeySpec(key, "HmacSHA256"));
    return mac.doFinal(text.getBytes(UTF_8));
  }

  private static String base64url(byte[] data) {
    return Base64.getUrlEncoder().withoutPadding().encodeToString(data);
  }

  public static void main(String[] arguments) throws GeneralSecurityException {
    String key = System.getenv("VITRINE_KEY");
    if (key == null || arguments.length != 2 || !arguments[1].matches("\\d+")) {
      System.err.println("VITRINE_KEY=vs_... java UserToken.java USER EXPIRY");
      System.exit(2);
    }
    System.out.println(sign(key, arguments[0], Instant.ofEpochSecond(Long.parseLong(arguments[1]))));
  }
}
