<?php

declare(strict_types=1);

namespace Drupal\flowdrop_airflow\Access;

use Drupal\Component\Datetime\TimeInterface;
use Drupal\Core\Access\AccessResult;
use Drupal\Core\Access\AccessResultInterface;
use Drupal\Core\Routing\Access\AccessInterface;
use Drupal\flowdrop_airflow\Contract\Signature;
use Drupal\flowdrop_airflow\Contract\SignatureException;
use Drupal\flowdrop_airflow\Service\AirflowSettings;
use Symfony\Component\HttpFoundation\Request;

/**
 * Lets signed requests in, and nothing else.
 */
final class SignatureAccess implements AccessInterface {

  public function __construct(
    private readonly AirflowSettings $settings,
    private readonly TimeInterface $time,
  ) {}

  /**
   * Checks the signature of a request; its delivery id becomes an attribute.
   */
  public function access(Request $request): AccessResultInterface {
    $query = $request->server->get('QUERY_STRING');
    $target = $request->getPathInfo() . (is_string($query) && $query !== '' ? '?' . $query : '');
    $headers = array_map(static fn (array $values): string => (string) $values[0], $request->headers->all());
    try {
      $delivery = Signature::verify(
        $this->settings->secrets(),
        $request->getMethod(),
        $target,
        $headers,
        $request->getContent(),
        $this->time->getCurrentTime(),
      );
    }
    catch (SignatureException $error) {
      return AccessResult::forbidden($error->getMessage())->setCacheMaxAge(0);
    }
    $request->attributes->set('flowdrop_airflow_delivery', $delivery);
    return AccessResult::allowed()->setCacheMaxAge(0);
  }

}
