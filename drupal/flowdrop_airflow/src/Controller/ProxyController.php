<?php

declare(strict_types=1);

namespace Drupal\flowdrop_airflow\Controller;

use Drupal\Core\Access\AccessResult;
use Drupal\Core\Access\AccessResultInterface;
use Drupal\Core\DependencyInjection\ContainerInjectionInterface;
use Drupal\Core\Session\AccountInterface;
use Drupal\flowdrop_airflow\Contract\ProxyRule;
use Drupal\flowdrop_airflow\Service\AirflowClient;
use GuzzleHttp\Exception\GuzzleException;
use Symfony\Component\DependencyInjection\ContainerInterface;
use Symfony\Component\HttpFoundation\JsonResponse;
use Symfony\Component\HttpFoundation\Request;
use Symfony\Component\HttpFoundation\Response;

/**
 * Hands run endpoints on to Airflow, for browsers that only know this site.
 *
 * The editor asks for its badges without any token; this site knows who asks,
 * checks the permission and calls Airflow with its own account.
 */
final class ProxyController implements ContainerInjectionInterface {

  public function __construct(private readonly AirflowClient $client) {}

  /**
   * {@inheritdoc}
   */
  public static function create(ContainerInterface $container): self {
    return new self($container->get('flowdrop_airflow.client'));
  }

  /**
   * Lets a visitor do what the list of ProxyRule and the permissions allow.
   */
  public function access(AccountInterface $account, Request $request): AccessResultInterface {
    $permission = ProxyRule::permission($request->getMethod(), self::path($request));
    if ($permission === NULL) {
      return AccessResult::forbidden('This is not handed on to Airflow.')->setCacheMaxAge(0);
    }
    // A form of another site can send no JSON without asking first.
    if ($request->isMethod('POST') && $request->getContentTypeFormat() !== 'json') {
      return AccessResult::forbidden('Send JSON.')->setCacheMaxAge(0);
    }
    return AccessResult::allowedIfHasPermission($account, $permission)->setCacheMaxAge(0);
  }

  /**
   * Hands a request on, and the answer back.
   */
  public function handle(Request $request): Response {
    $headers = $request->isMethod('POST') ? ['Content-Type' => 'application/json'] : [];
    foreach (['If-None-Match', 'Idempotency-Key'] as $name) {
      if ($request->headers->has($name)) {
        $headers[$name] = (string) $request->headers->get($name);
      }
    }
    try {
      $query = ProxyRule::query($request->query->all());
      $answer = $this->client->call($request->getMethod(), self::path($request), $query, $request->getContent(), $headers);
    }
    catch (GuzzleException | \RuntimeException $error) {
      return new JsonResponse(['success' => FALSE, 'error' => 'Airflow cannot be reached.'], 502);
    }
    $kept = array_filter(
      $answer->getHeaders(),
      static fn (string $name): bool => in_array(strtolower($name), ProxyRule::answerHeaders(), TRUE),
      ARRAY_FILTER_USE_KEY,
    );
    return new Response((string) $answer->getBody(), $answer->getStatusCode(), $kept + ['Cache-Control' => 'no-store']);
  }

  /**
   * Returns the path below Airflow's FlowDrop API.
   */
  private static function path(Request $request): string {
    return (string) $request->query->get(ProxyRule::PARAMETER, '');
  }

}
